//! Datasets, each made once and kept until this program or the size changes; platforms get copies.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Database, Plan, bare};
use crate::data::Dataset;

/// The database's name, as in a cluster.
pub const NAME: &str = "dytt";
/// Says which program made a dataset; written last.
const STAMP: &str = "made-by";

/// The folder of a dataset: `dytt.sqlite` and `objects`, or the folder of a MariaDB server that is stopped.
pub async fn master(plan: &Plan, dataset: &Dataset, scale: &str) -> Result<PathBuf> {
    let name = match plan.database {
        Database::Sqlite => "sqlite",
        Database::Mariadb => "mariadb",
    };
    let folder = plan.work.join(format!("{name}-{scale}"));
    let stamp = this_program()?;
    if std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|made_by| made_by == stamp) {
        return Ok(folder);
    }
    println!("making the dataset {name} {scale}");
    remove(&folder)?;
    std::fs::create_dir_all(&folder)?;
    match plan.database {
        Database::Sqlite => {
            migrate(plan, &folder, &[])?;
            dataset.fill_sqlite(&folder)?;
        }
        Database::Mariadb => {
            let mut server = servers::mariadb(&folder)?;
            servers::mariadb_sql(server.port(), &create_database())?;
            let address = address(server.port());
            migrate(plan, &folder, &store_settings(&address, &write_password(&folder)?))?;
            dataset.fill_mysql(&address, servers::MARIADB_PASSWORD).await?;
            server.stop();
            dataset.write_objects(&folder.join("objects"))?;
        }
    }
    std::fs::write(folder.join(STAMP), stamp)?;
    Ok(folder)
}

/// Copies what is in a folder into another; without the bytes where the file system can, and objects, which
/// never change, as further names of the same.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry?;
        let bytes = if entry.file_name() == "objects" { "--link" } else { "--reflink=auto" };
        let status = Command::new("cp").args(["--recursive", bytes]).arg(entry.path()).arg(to).status();
        if !status.context("start cp")?.success() {
            bail!("{} could not be copied", entry.path().display());
        }
    }
    Ok(())
}

/// Removes a folder; none is as good.
pub fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Puts the database user's password into a file of the folder.
pub fn write_password(folder: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let password = folder.join("password");
    std::fs::write(&password, servers::MARIADB_PASSWORD)?;
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600))?;
    Ok(password)
}

/// The settings that lead to a database server.
pub fn store_settings(address: &str, password: &Path) -> [(String, String); 2] {
    let password = password.display().to_string();
    [("DYTT_STORE__URL".into(), address.into()), ("DYTT_STORE__PASSWORD_FILE".into(), password)]
}

/// The address of the database on a server with this port.
pub fn address(port: u16) -> String {
    format!("mysql://{}@127.0.0.1:{port}/{NAME}", servers::MARIADB_USER)
}

fn create_database() -> String {
    format!("CREATE DATABASE `{NAME}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
}

fn migrate(plan: &Plan, folder: &Path, settings: &[(String, String)]) -> Result<()> {
    let mut command = bare(&plan.dytt, settings);
    let output = command.args(["migrate", "up", "--data-dir"]).arg(folder).output().context("start dytt")?;
    if !output.status.success() {
        bail!("dytt migrate up: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Another build may make other rows.
fn this_program() -> Result<String> {
    let file = std::env::current_exe()?.metadata()?;
    Ok(format!("{} {:?}", file.len(), file.modified()?))
}
