//! Situations: what a supervisor or an agent would see. Each test is one, named as a sentence.

mod channels;
mod deletions;
mod direct;
mod fixture;
mod handed_on;
mod limits;
mod offers;
mod order;
mod refusals;
mod skills;
mod skips;
mod steps;
mod transfers;
mod warnings;
