//! Those whom one execution serves, each with what is theirs alone.
//!
//! An agent's desktop follows the Reservations of its own Worker. What thousands of them follow differs in nothing
//! but whose it is: so it is executed once, and each message is resolved with the Caller of the one whom it is for.
//! Whoever executes it hands the message to that one and to nobody else.
//!
//! 1. The resolver finds `Arc<Addressees<…>>` in the data of its request, instead of a Caller. For **each** event that
//!    concerns somebody, whoever that is, it says [`Addressees::claim`]: that gives the Caller to resolve the message
//!    with, if the one concerned is served here.
//! 2. Who executes it asks for the [`Addressees::addressee`] of the message that has come.
//! 3. Who has everything up to some position [enters](Addressees::enter), unless something of theirs after that position
//!    may have gone by already.

use std::collections::{HashMap, VecDeque, hash_map::Entry};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard};

/// How many claims are remembered. Those who come have read the log to its end just before, so it takes many
/// events in between to turn one of them away.
const CLAIMS_MAX: usize = 1024;

/// Those whom one execution serves: addresses of type `A`, Callers of type `C`.
pub struct Addressees<A, C> {
    host: C,
    register: Mutex<Register<A, C>>,
}

struct Register<A, C> {
    /// With how many times each has entered.
    callers: HashMap<A, (C, usize)>,
    /// All claims after `floor`, in the order of the log.
    claims: VecDeque<(u64, A)>,
    floor: u64,
    /// Whom the message is for that is being made, or was made last.
    addressee: Option<A>,
}

impl<A: Copy + Eq + Hash, C: Clone> Addressees<A, C> {
    /// Of an execution that begins behind `position`. The host is any of those to be served: it leads to where the
    /// events are, and to nothing else.
    #[must_use]
    pub fn from(position: u64, host: C) -> Addressees<A, C> {
        let register =
            Register { callers: HashMap::new(), claims: VecDeque::new(), floor: position, addressee: None };
        Addressees { host, register: Mutex::new(register) }
    }

    /// Who leads to where the events are. Not to be shown anything.
    #[must_use]
    pub fn host(&self) -> &C {
        &self.host
    }

    /// The resolver: the event at `position` concerns `address`. Their Caller, if they are served here; what is
    /// made of the event is for them.
    pub fn claim(&self, address: A, position: u64) -> Option<C> {
        let register = &mut *self.register();
        if register.claims.len() >= CLAIMS_MAX
            && let Some((oldest, _)) = register.claims.pop_front()
        {
            register.floor = oldest;
        }
        register.claims.push_back((position, address));
        let (caller, _) = register.callers.get(&address)?;
        register.addressee = Some(address);
        Some(caller.clone())
    }

    /// The other side: whom the message is for that has just come.
    pub fn addressee(&self) -> Option<A> {
        self.register().addressee
    }

    /// From now on, what concerns `address` is for the caller, who has everything up to `position`. False, and
    /// nothing has changed, where something after that position may have been claimed in vain.
    pub fn enter(&self, address: A, caller: &C, position: u64) -> bool {
        let register = &mut *self.register();
        let mut later = register.claims.iter().rev().take_while(|(claimed, _)| *claimed > position);
        if position < register.floor || later.any(|(_, claimed)| *claimed == address) {
            return false;
        }
        register.callers.entry(address).or_insert_with(|| (caller.clone(), 0)).1 += 1;
        true
    }

    /// The Caller of somebody who has entered.
    pub fn caller(&self, address: A) -> Option<C> {
        self.register().callers.get(&address).map(|(caller, _)| caller.clone())
    }

    /// Somebody who had entered does not want anything any more.
    pub fn leave(&self, address: A) {
        if let Entry::Occupied(mut entry) = self.register().callers.entry(address) {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }

    fn register(&self) -> MutexGuard<'_, Register<A, C>> {
        self.register.lock().expect("nothing panics while it holds the register")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_for_those_who_have_entered() {
        let addressees = Addressees::from(10, "host");
        assert_eq!(addressees.claim('a', 11), None);
        assert!(addressees.enter('a', &"Ann", 11));
        assert!(addressees.enter('b', &"Bo", 10), "nothing of Bo's has gone by");
        assert_eq!(addressees.claim('b', 12), Some("Bo"));
        assert_eq!(addressees.addressee(), Some('b'));
        assert_eq!(addressees.claim('c', 13), None);
        assert_eq!(addressees.claim('a', 14), Some("Ann"));
        assert_eq!(addressees.addressee(), Some('a'));
        addressees.leave('a');
        assert_eq!(addressees.claim('a', 15), None);
    }

    #[test]
    fn who_may_have_missed_something_cannot_enter() {
        let addressees = Addressees::from(10, ());
        assert!(!addressees.enter('a', &(), 9), "nobody has looked at what was before");
        assert_eq!(addressees.claim('a', 11), None);
        assert!(!addressees.enter('a', &(), 10));
        assert!(addressees.enter('a', &(), 11));
        assert_eq!(addressees.claim('a', 12), Some(()));
        assert!(!addressees.enter('a', &(), 11), "that one went to the first who entered");
        assert!(addressees.enter('a', &(), 12));
        addressees.leave('a');
        assert_eq!(addressees.claim('a', 13), Some(()), "one of the two is left");
        for position in 14..14 + CLAIMS_MAX as u64 {
            addressees.claim('b', position);
        }
        assert!(!addressees.enter('c', &(), 12), "what was claimed then is forgotten");
        assert!(addressees.enter('c', &(), 13));
    }
}
