//! The scenarios in the order they are played: what a later one relies on has been shown before it.

mod certificates;
mod crowd;
mod database;
mod ends;
mod etcd;
mod foreign;
mod input;
mod kill;
mod objects;
mod order;
mod slow;
mod smoke;
mod stop;
mod storm;
mod traces;
mod weights;

use crate::stage::Scenario;

macro_rules! scenarios {
    ($($module:ident::$name:ident,)+) => {
        vec![$((stringify!($name), |cluster| Box::pin($module::$name(cluster)))),+]
    };
}

/// All of them by name.
pub fn all() -> Vec<(&'static str, Scenario)> {
    scenarios![
        smoke::what_one_gateway_takes_the_other_shows,
        crowd::a_thousand_equal_likes_are_one,
        kill::one_of_two_instances_is_killed_under_load,
        database::the_database_is_killed_while_people_write,
        stop::everything_is_restarted_one_after_another_under_load,
        ends::an_end_has_its_order_and_a_second_signal_hastens_it,
        ends::an_upload_and_a_job_outlive_the_end_of_their_process,
        etcd::etcd_is_killed_hung_and_wiped_and_nobody_notices,
        slow::one_of_two_instances_is_frozen_then_away,
        slow::one_instance_of_three_is_two_seconds_slow,
        weights::calls_follow_the_weights,
        foreign::a_go_program_finds_a_service_and_calls_it,
        traces::a_request_is_one_trace_through_every_service,
        certificates::nobody_without_a_certificate_of_ours_is_heard,
        certificates::an_address_that_is_not_ours_gets_no_call,
        certificates::leaves_and_root_are_changed_under_load,
        input::a_wrong_start_is_refused_in_one_line,
        input::broken_keys_in_etcd_bother_nobody,
        traces::nobody_notices_that_zipkin_is_away,
        objects::without_the_object_store_only_publishing_stops,
        storm::a_service_that_always_fails_is_asked_a_fifth_more_at_most,
        order::services_start_in_any_order,
    ]
}
