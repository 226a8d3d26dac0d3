//! Has cargo notice that the web client was built anew: a new file in a folder is no change to it otherwise.

fn main() -> std::io::Result<()> {
    let built = "../../web/dist";
    // The folder is there even before it is built, or cargo would run this every time.
    std::fs::create_dir_all(built)?;
    println!("cargo:rerun-if-changed={built}");
    Ok(())
}
