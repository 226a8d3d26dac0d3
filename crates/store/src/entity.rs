//! Tables as SeaORM entities, for the paths where the ORM's convenience costs nothing that matters. Lists
//! and counters are SQL written by hand in the nouns' files.

pub(crate) mod user;
