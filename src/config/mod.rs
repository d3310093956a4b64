//! Every setting: its default, its sources and its validation as a whole.
