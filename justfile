# Short names for what CONTRIBUTING.md describes; `just` lists them. Nothing needs just: each is one command.

# what there is
default:
    @just --list

# a server with an invented provider on 127.0.0.1:8080
demo:
    cargo run -- serve --demo

# does it compile, tests included
check:
    cargo check --workspace --all-targets --locked

# the unit tests, or those whose name has FILTER in it
unit filter='':
    cargo test --workspace --lib --locked -- {{filter}}

# format and lints, as scripts/test.sh holds them
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# licences, sources and bans of what is depended on
deny:
    scripts/deny.sh --install

# everything that decides whether a change may land
test:
    scripts/test.sh

# a race against the server on 127.0.0.1:8080, and the invariants of its database
race:
    cargo run --release -- race
    cargo run --release -- check

# the documents that are written by programs
documents:
    cargo run -- openapi > docs/openapi.json
    SLOTKEEPER_TEST_REWRITE=1 cargo test --lib cli::flags

# the picture in the README
picture:
    cargo build --release --locked
    scripts/terminal-picture.py target/release/slotkeeper docs/terminal.svg
