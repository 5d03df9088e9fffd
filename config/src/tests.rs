use super::*;
#[test]
fn dump() {
    std::fs::write(
        "/tmp/schema.json",
        serde_json::to_string_pretty(&schema()).unwrap(),
    )
    .unwrap();
    match parse(DEFAULT_FILE, "portcullis.yaml", &|_| None) {
        Ok(c) => println!("{c:#?}"),
        Err(p) => {
            for p in p {
                println!("{p}")
            }
        }
    }
}
