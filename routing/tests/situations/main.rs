//! Situations: what a supervisor or an agent would see. Each test is one, named as a sentence.

mod channels;
mod deletions;
mod fixture;
mod offers;
mod order;
mod refusals;
mod skips;
mod steps;
