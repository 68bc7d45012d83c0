//! What holds on every root: who is let in, what is kept of requests, how they travel.

mod archived;
mod audit;
mod conditional;
mod cors;
mod demo;
mod formats;
mod nonsense;
mod order;
mod policy;
mod protocol;
mod read;
mod references;
mod signed;
mod sorting;
mod tokens;
mod transfer;
mod understood;
mod validate;
mod warnings;
