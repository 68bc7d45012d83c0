//! The store by itself: stores and raw connections on one database, and nothing over HTTP.

mod archive;
mod databases;
mod feed;
mod migration;
mod plans;
