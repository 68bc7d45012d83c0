//! Commands, called as they are typed, in this process.

mod diary;
