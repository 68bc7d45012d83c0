//! `#[on_both]`. An attribute must come from a package of its own; this one reads two words of the function it stands
//! on, so it needs no parser and is built in a moment.

use proc_macro::{TokenStream, TokenTree};

/// Makes two tests of a function, `name::sqlite` and `name::postgresql`. The function takes what it works on, any
/// `testkit::World`; in brackets may stand how that is set up.
#[proc_macro_attribute]
pub fn on_both(setup: TokenStream, function: TokenStream) -> TokenStream {
    let Some(Head { name, is_async }) = head(&function) else {
        return "compile_error!(\"`on_both` stands on a function\");".parse().unwrap_or_default();
    };
    let run = if is_async { "run" } else { "run_blocking" };
    let setup = if setup.is_empty() { "::core::default::Default::default()".to_owned() } else { setup.to_string() };
    let test = |kind: &str, name_of_kind: &str| {
        format!("#[test] fn {name_of_kind}() {{ ::testkit::{run}(::testkit::Kind::{kind}, {setup}, super::{name}); }}")
    };
    let tests = format!(
        "mod {name} {{ #[allow(unused_imports, reason = \"only a setup needs them\")] use super::*; {} {} }}",
        test("Sqlite", "sqlite"),
        test("Postgresql", "postgresql"),
    );
    let mut all = function;
    all.extend(tests.parse::<TokenStream>().unwrap_or_default());
    all
}

/// The beginning of a function.
struct Head {
    name: String,
    is_async: bool,
}

fn head(function: &TokenStream) -> Option<Head> {
    let mut is_async = false;
    let mut words = function.clone().into_iter();
    while let Some(word) = words.next() {
        let TokenTree::Ident(word) = word else { continue };
        match word.to_string().as_str() {
            "async" => is_async = true,
            "fn" => return words.next().map(|name| Head { name: name.to_string(), is_async }),
            _ => {}
        }
    }
    None
}
