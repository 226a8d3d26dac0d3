//! `dytt serve`: run until told to stop.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Settings;
use crate::folder::Running;
use crate::platform::Platform;
use crate::wiring::{lan_url, local_url};

pub(crate) async fn run(settings: Settings) -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let metrics = telemetry::start_metrics()?;
    let platform = tokio::select! {
        started = Platform::start(&settings, metrics) => started?,
        _ = terminate.recv() => return Ok(ExitCode::from(143)),
        _ = interrupt.recv() => return Ok(ExitCode::from(130)),
    };
    match platform.running.http {
        Some(http) => greet(&settings.public_url, http, platform.running.admin),
        None => greet_operator(&settings, &platform.running),
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::select! {
        stopped = platform.stop() => stopped?,
        _ = terminate.recv() => return Ok(ExitCode::from(143)),
        _ = interrupt.recv() => return Ok(ExitCode::from(130)),
    }
    Ok(ExitCode::SUCCESS)
}

/// A process without HTTP has only an operator to greet.
fn greet_operator(settings: &Settings, running: &Running) {
    let services = settings.roles.nouns().join(", ");
    let mut lines = format!("\ndytt {} runs {services}\n\n", env!("CARGO_PKG_VERSION"));
    lines.extend(running.rpc.map(|rpc| format!("  calls             {rpc}\n")));
    lines.push_str(&format!("  metrics, health   http://{}/metrics\n", running.admin));
    let mut out = std::io::stdout().lock();
    let _closed = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

/// Says what to open; a closed output is no reason not to serve.
fn greet(public_url: &str, http: SocketAddr, admin: SocketAddr) {
    let local = local_url(http);
    let mut out = std::io::stdout().lock();
    let mut lines = format!("\ndytt {} is ready\n\n", env!("CARGO_PKG_VERSION"));
    lines.push_str(&format!("  on this machine   {local}/\n"));
    let lan = if public_url.is_empty() { lan_url(http) } else { Some(public_url.to_owned()) };
    if let Some(lan) = &lan {
        let place = if public_url.is_empty() { "on your network " } else { "for everybody   " };
        lines.push_str(&format!("  {place}  {lan}/   (the Android app's base address)\n"));
    }
    lines.push_str(&format!("  API description   {local}/docs/\n"));
    lines.push_str(&format!("  metrics, health   http://{admin}/metrics\n\n"));
    if let (Some(lan), true) = (&lan, out.is_terminal())
        && let Ok(code) = QrCode::new(lan)
    {
        // Light modules on dark ground is what terminals mostly are, and what cameras read either way.
        let mut picture = code.render::<Dense1x2>();
        lines.push_str(&picture.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build());
        lines.push_str("\n\n");
    }
    lines.push_str("Stop with Ctrl-C.\n");
    let _closed = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}
