//! Why each dependency is there. Licences and sources are checked by `cargo deny`.

use crate::repository::{assert_none, metadata, text};
use std::collections::BTreeSet;

#[test]
fn every_direct_dependency_says_what_it_saves() {
    let page = text("docs/decisions/dependencies.md").expect("the page is text");
    let mut complaints = BTreeSet::new();
    for package in metadata().workspace_packages() {
        let names = package.dependencies.iter().filter(|one| one.path.is_none());
        for name in names.map(|dependency| dependency.name.as_str()) {
            if !page.contains(&format!("| `{name}` |")) {
                complaints.insert(format!(
                    "{name} has no row in docs/decisions/dependencies.md"
                ));
            }
        }
    }
    assert_none(&Vec::from_iter(complaints));
}
