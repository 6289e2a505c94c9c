//! The bytes of the bundles, or disclosures, in a file that is named.
//! What they hold isn't looked at, beyond where one of several ends.

use std::path::Path;

use countersign::json::Json;
use countersign::limits;

use crate::failure::Failure;
use crate::patience;

/// Reads the file, as far as a bundle may reach.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    // One byte more than a bundle may have is enough to be refused.
    read_up_to(path, limits::BUNDLE_BYTES as u64 + 1)
}

/// Reads a file of one bundle, or of one on each line (JSON lines), as registries and forges hand them out.
pub(crate) fn read_all(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let bytes = read_up_to(path, FILE_BYTES + 1)?;
    if bytes.len() as u64 > FILE_BYTES {
        let detail = format!("the file `{}` is larger than {} MiB", path.display(), FILE_BYTES >> 20);
        return Err(Failure::new("bundle-unreadable", detail).hint("split it: each line of it can be a file of its own"));
    }
    let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    let begins_with_a_whole = lines.first().is_some_and(|line| line.starts_with(b"{") && line.ends_with(b"}"));
    if lines.len() > 1 && begins_with_a_whole && Json::parse(&bytes).is_err() {
        return Ok(lines.into_iter().map(<[u8]>::to_vec).collect());
    }
    Ok(vec![bytes])
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::new("bundle-unreadable", format!("the bundle `{}` can't be read", path.display())).because(&error);
    patience::read_up_to(path, most).map_err(failed)
}

/// Most that a file of several bundles may have.
const FILE_BYTES: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn bundles(text: &str) -> Vec<Vec<u8>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_all(file.path()).unwrap()
    }

    #[test]
    fn each_line_of_json_lines_is_a_bundle_and_every_other_file_is_one() {
        assert_eq!(bundles("{\"a\":1}\n\n {\"b\":2} \r\n{\n"), [b"{\"a\":1}".to_vec(), b"{\"b\":2}".to_vec(), b"{".to_vec()]);
        for one in ["", "{", "{}", "{}\n", "{\n  \"a\": {}\n}\n", "{\"a\":{}\n}", "[\n{}\n]\n", "no JSON\nat all"] {
            assert_eq!(bundles(one), [one.as_bytes().to_vec()], "{one:?}");
        }
    }
}
