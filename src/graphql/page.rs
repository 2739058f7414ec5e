//! Lists in pages: one pager for all of them.
//!
//! A list is ordered by a [`Place`]: what it is ordered by, and then the id of the item, so that no two items
//! have the same place. A cursor is a place, written down. So a page goes on where the last one ended, whatever
//! was inserted or deleted in between; items are neither shown twice nor left out, unless their place changes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Bound;

use async_graphql::{Object, OutputType, SimpleObject, TypeName};
use routing::ids::Id;

use super::error::{Error, Result};

/// How many items a page has, unless the client says otherwise.
const PAGE_ITEMS_DEFAULT: usize = 50;
/// How many items it may have. It bounds the work, and the memory, of one list.
pub const PAGE_ITEMS_MAX: usize = 200;
/// The longest cursor. Names have 64 characters, so ours are shorter.
const CURSOR_BYTES_MAX: usize = 2_048;

/// The arguments of a list.
pub struct Page {
    limit: usize,
    backward: bool,
    after: Option<String>,
    before: Option<String>,
}

impl Page {
    /// The page that the arguments ask for.
    pub fn of(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Page> {
        let (field, limit) = match (first, last) {
            (Some(_), Some(_)) => {
                return Err(Error::bad_input("last", "expected either first or last, not both"));
            }
            (_, Some(last)) => ("last", Some(last)),
            (first, None) => ("first", first),
        };
        let limit = match limit {
            None => PAGE_ITEMS_DEFAULT,
            Some(limit) => match usize::try_from(limit) {
                Ok(limit) if limit <= PAGE_ITEMS_MAX => limit,
                _ => {
                    let message = format!("{limit} is not in the range from 0 to {PAGE_ITEMS_MAX}");
                    return Err(Error::bad_input(field, message));
                }
            },
        };
        Ok(Page { limit, backward: last.is_some(), after, before })
    }

    /// The page that the arguments of a list ask for that is only read forward.
    pub fn forward(first: Option<i32>, after: Option<String>) -> Result<Page> {
        Page::of(first, after, None, None)
    }

    /// How many items it has at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Is it counted from the end?
    pub fn is_backward(&self) -> bool {
        self.backward
    }

    /// The places that the cursors name: behind which, and before which it lies.
    pub fn between(&self, order: OrderedBy) -> Result<(Option<Place>, Option<Place>)> {
        let place = |cursor: &Option<String>, field| {
            cursor.as_deref().map(|cursor| Place::read(cursor, order, field)).transpose()
        };
        Ok((place(&self.after, "after")?, place(&self.before, "before")?))
    }
}

/// What the items of a list are ordered by. A cursor of a list that is ordered otherwise is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderedBy {
    /// Creation: ids sort by it.
    Creation,
    /// The name in lower case.
    Name,
    /// The time of the last change of Activity.
    ActivityChange,
    /// The priority.
    Priority,
    /// The virtual start time.
    VirtualStart,
    /// The position in the log.
    Sequence,
}

impl OrderedBy {
    /// The letter that its cursors begin with.
    fn letter(self) -> char {
        match self {
            OrderedBy::Creation => 'c',
            OrderedBy::Name => 'n',
            OrderedBy::ActivityChange => 'a',
            OrderedBy::Priority => 'p',
            OrderedBy::VirtualStart => 'v',
            OrderedBy::Sequence => 's',
        }
    }

    /// Is there a number to order by before the id decides?
    fn has_rank(self) -> bool {
        match self {
            OrderedBy::ActivityChange | OrderedBy::Priority | OrderedBy::VirtualStart => true,
            OrderedBy::Creation | OrderedBy::Name | OrderedBy::Sequence => false,
        }
    }
}

/// Where an item stands in its list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    rank: Rank,
    id: u128,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Rank {
    Number(i64),
    Text(String),
}

impl Place {
    /// In a list that is ordered by creation.
    pub fn of_id(id: impl Id) -> Place {
        Place::ranked(0, id)
    }

    /// In a list that is ordered by a number, then by creation.
    pub fn ranked(rank: i64, id: impl Id) -> Place {
        Place { rank: Rank::Number(rank), id: id.bits() }
    }

    /// In a list that is ordered by names, which are unique.
    pub fn named(name: String) -> Place {
        Place { rank: Rank::Text(name), id: 0 }
    }

    /// In a list that is ordered by the log.
    pub fn at(sequence: u64) -> Place {
        Place { rank: Rank::Number(0), id: sequence.into() }
    }

    /// The id, in a list that is ordered by creation.
    pub fn id<I: Id>(&self) -> I {
        I::from_bits(self.id)
    }

    /// The name, in a list that is ordered by names.
    pub fn name(&self) -> &str {
        match &self.rank {
            Rank::Text(name) => name,
            Rank::Number(_) => "",
        }
    }

    /// The position, in a list that is ordered by the log.
    pub fn sequence(&self) -> u64 {
        u64::try_from(self.id).unwrap_or(u64::MAX)
    }

    /// The place as a cursor. In hex, so that nobody takes it for something to be put together by hand.
    fn write(&self, order: OrderedBy) -> String {
        let mut text = match &self.rank {
            Rank::Number(0) => format!("{}{:x}", order.letter(), self.id),
            Rank::Number(rank) => format!("{}{:x}.{rank}", order.letter(), self.id),
            Rank::Text(name) => format!("{}{name}", order.letter()),
        };
        let bytes = std::mem::take(&mut text).into_bytes();
        for byte in bytes {
            write!(text, "{byte:02x}").expect("a String takes all that is written");
        }
        text
    }

    fn read(cursor: &str, order: OrderedBy, field: &str) -> Result<Place> {
        let place = decoded(cursor).and_then(|text| {
            let text = text.strip_prefix(order.letter())?;
            if order == OrderedBy::Name {
                return Some(Place::named(text.to_owned()));
            }
            let (id, rank) = match text.split_once('.') {
                Some((id, rank)) if order.has_rank() => (id, rank.parse().ok()?),
                Some(_) => return None,
                None => (text, 0),
            };
            Some(Place { rank: Rank::Number(rank), id: u128::from_str_radix(id, 16).ok()? })
        });
        place.ok_or_else(|| Error::bad_input(field, "not a cursor of this list in this order"))
    }
}

fn decoded(hex: &str) -> Option<String> {
    if hex.len() > CURSOR_BYTES_MAX || !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}

/// A stretch of a list, in the order of the places, whichever way the list is shown.
pub type Stretch = (Bound<Place>, Bound<Place>);

/// The stretch, by ids.
pub fn ids<I: Id>(stretch: &Stretch) -> (Bound<I>, Bound<I>) {
    (stretch.0.as_ref().map(Place::id), stretch.1.as_ref().map(Place::id))
}

/// The stretch, by names.
pub fn names(stretch: &Stretch) -> (Bound<String>, Bound<String>) {
    let name = |place: &Place| place.name().to_owned();
    (stretch.0.as_ref().map(name), stretch.1.as_ref().map(name))
}

/// Which end of a stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// That with the smallest place.
    Low,
    /// That with the largest place.
    High,
}

impl End {
    fn other(self) -> End {
        match self {
            End::Low => End::High,
            End::High => End::Low,
        }
    }

    /// At most `limit` items of what lies between the ends, from this end on.
    pub fn take<T>(self, items: impl DoubleEndedIterator<Item = T>, limit: usize) -> Vec<T> {
        match self {
            End::Low => items.take(limit).collect(),
            End::High => items.rev().take(limit).collect(),
        }
    }

    /// At most `limit` of the items, from this end on, where they come in no order. Effort is about proportional
    /// to their number, however many are asked for.
    pub fn select<T>(self, mut items: Vec<(Place, T)>, limit: usize) -> Vec<(Place, T)> {
        let compare = |left: &(Place, T), right: &(Place, T)| match self {
            End::Low => left.0.cmp(&right.0),
            End::High => right.0.cmp(&left.0),
        };
        if limit < items.len() && limit > 0 {
            items.select_nth_unstable_by(limit - 1, compare);
        }
        items.truncate(limit);
        items.sort_unstable_by(compare);
        items
    }
}

/// A list that can be shown in pages.
pub trait Listing: Send + Sync + 'static {
    /// What it consists of.
    type Item;

    /// What it is ordered by.
    fn ordered_by(&self) -> OrderedBy;

    /// Is the item with the largest place shown first?
    fn is_descending(&self) -> bool {
        false
    }

    /// At most `limit` items of a stretch, from one end of it on.
    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, Self::Item)>;

    /// How many items the list has.
    fn count(&self) -> usize;
}

/// One page of a list.
pub struct Connection<T: OutputType> {
    edges: Vec<Edge<T>>,
    page_info: PageInfo,
    count: Box<dyn Fn() -> usize + Send + Sync>,
}

/// One page of a list.
#[Object(name_type)]
impl<T: OutputType> Connection<T> {
    /// The items of the page, each with its cursor.
    async fn edges(&self) -> &[Edge<T>] {
        &self.edges
    }

    /// The items of the page.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// How the list goes on.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// How many items the list has on all pages, as far as the viewer may see them. Counted only when it is
    /// asked for.
    async fn total_count(&self) -> usize {
        (self.count)()
    }
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// One item of a list, and where it stands.
#[derive(SimpleObject)]
#[graphql(name_type)]
pub struct Edge<T: OutputType> {
    /// Where the item stands in the list: opaque, for `after` and `before` of the same list in the same order.
    pub cursor: String,
    /// The item.
    pub node: T,
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// How a list goes on before and behind a page.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Are there items before this page?
    pub has_previous_page: bool,
    /// Are there items behind this page?
    pub has_next_page: bool,
    /// Where the page begins: the `before` of the page before it. Null where the page is empty.
    pub start_cursor: Option<String>,
    /// Where the page ends: the `after` of the page behind it. Null where the page is empty.
    pub end_cursor: Option<String>,
}

impl<T: OutputType> Connection<T> {
    /// The page of the list.
    pub fn of<L: Listing<Item = T>>(page: &Page, list: L) -> Result<Connection<T>> {
        let order = list.ordered_by();
        let (after, before) = page.between(order)?;
        let (after, before) = (after.map_or(Bound::Unbounded, Bound::Excluded), before);
        let before = before.map_or(Bound::Unbounded, Bound::Excluded);

        // The way that the page is shown, and the way that the places run, may be opposite.
        let (start, stretch) = match list.is_descending() {
            false => (End::Low, (after.clone(), before.clone())),
            true => (End::High, (before.clone(), after.clone())),
        };
        let end = if page.is_backward() { start.other() } else { start };
        // The pager reads one item more than it shows, to see whether there is one.
        let mut items =
            if is_empty(&stretch) { Vec::new() } else { list.read(&stretch, end, page.limit() + 1) };
        let has_more = items.len() > page.limit();
        items.truncate(page.limit());
        if page.is_backward() {
            items.reverse();
        }

        let is_there = |bound: Bound<Place>, rest: End| match bound {
            Bound::Unbounded => false,
            Bound::Excluded(place) | Bound::Included(place) => {
                let stretch = match rest {
                    End::Low => (Bound::Unbounded, Bound::Included(place)),
                    End::High => (Bound::Included(place), Bound::Unbounded),
                };
                !list.read(&stretch, rest, 1).is_empty()
            }
        };
        let (has_previous_page, has_next_page) = match page.is_backward() {
            false => (is_there(after, start), has_more || is_there(before, start.other())),
            true => (has_more || is_there(after, start), is_there(before, start.other())),
        };

        let edges: Vec<Edge<T>> =
            items.into_iter().map(|(place, node)| Edge { cursor: place.write(order), node }).collect();
        let page_info = PageInfo {
            has_previous_page,
            has_next_page,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        };
        Ok(Connection { edges, page_info, count: Box::new(move || list.count()) })
    }
}

/// Ordered maps refuse a range that ends before it begins.
fn is_empty((low, high): &Stretch) -> bool {
    match (low, high) {
        (Bound::Excluded(low) | Bound::Included(low), Bound::Excluded(high) | Bound::Included(high)) => {
            low >= high
        }
        _ => false,
    }
}

/// The cursor of an event.
pub fn cursor_at(sequence: u64) -> String {
    Place::at(sequence).write(OrderedBy::Sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use routing::ids::TaskId;

    /// The numbers that are listed, as ids; `descending` or not.
    struct Numbers(Vec<u128>, bool);

    impl Listing for Numbers {
        type Item = String;
        fn ordered_by(&self) -> OrderedBy {
            OrderedBy::Creation
        }
        fn is_descending(&self) -> bool {
            self.1
        }
        fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, String)> {
            let all = self.0.iter().map(|&n| (Place::of_id(TaskId::from_bits(n)), n.to_string()));
            let inside = all.filter(|(place, _)| std::ops::RangeBounds::contains(stretch, place));
            end.select(inside.collect(), limit)
        }
        fn count(&self) -> usize {
            self.0.len()
        }
    }

    fn cursor(n: u128) -> Option<String> {
        Some(Place::of_id(TaskId::from_bits(n)).write(OrderedBy::Creation))
    }

    fn check(
        (first, after): (Option<i32>, Option<u128>),
        (last, before): (Option<i32>, Option<u128>),
        descending: bool,
        expected: (&[&str], bool, bool),
    ) {
        let page = Page::of(first, after.and_then(cursor), last, before.and_then(cursor)).unwrap();
        let page = Connection::of(&page, Numbers(vec![1, 2, 3, 4, 5], descending)).unwrap();
        let nodes: Vec<&str> = page.edges.iter().map(|edge| edge.node.as_str()).collect();
        let PageInfo { has_previous_page, has_next_page, .. } = page.page_info;
        assert_eq!((&*nodes, has_previous_page, has_next_page), expected);
    }

    #[test]
    fn pages_follow_each_other_in_both_directions_and_orders() {
        let none = (None, None);
        check(none, none, false, (&["1", "2", "3", "4", "5"], false, false));
        check((Some(2), None), none, false, (&["1", "2"], false, true));
        check((Some(2), Some(2)), none, false, (&["3", "4"], true, true));
        check((Some(2), Some(4)), none, false, (&["5"], true, false));
        check((Some(0), None), none, false, (&[], false, true));
        check(none, (Some(2), None), false, (&["4", "5"], true, false));
        check(none, (Some(2), Some(4)), false, (&["2", "3"], true, true));
        check((Some(9), Some(1)), (None, Some(4)), false, (&["2", "3"], true, true));
        check((None, Some(4)), (None, Some(2)), false, (&[], true, true));

        check((Some(2), None), none, true, (&["5", "4"], false, true));
        check((Some(2), Some(4)), none, true, (&["3", "2"], true, true));
        check(none, (Some(2), None), true, (&["2", "1"], true, false));
        check(none, (Some(2), Some(2)), true, (&["4", "3"], true, true));
    }

    #[test]
    fn a_cursor_survives_the_item_that_it_named() {
        let page = Page::forward(Some(2), cursor(3)).unwrap();
        let page = Connection::of(&page, Numbers(vec![1, 2, 5, 6], false)).unwrap();
        assert_eq!(page.edges.iter().map(|edge| edge.node.as_str()).collect::<Vec<_>>(), ["5", "6"]);
    }

    #[test]
    fn a_cursor_is_read_back_and_only_in_its_own_order() {
        let id = TaskId::from_bits(0xABC);
        for (place, order) in [
            (Place::of_id(id), OrderedBy::Creation),
            (Place::ranked(-7, id), OrderedBy::Priority),
            (Place::named("Zoë 7.1".to_owned()), OrderedBy::Name),
            (Place::at(12), OrderedBy::Sequence),
        ] {
            let cursor = place.write(order);
            assert_eq!(Place::read(&cursor, order, "after").unwrap(), place);
            let error = Place::read(&cursor, OrderedBy::ActivityChange, "after").unwrap_err();
            assert_eq!(error.field().as_deref(), Some("after"));
        }
        for wrong in ["", "x", "zz", "63", "6", "63é", "ff"] {
            assert!(Place::read(wrong, OrderedBy::Creation, "before").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_has_a_size_within_limits_and_one_direction() {
        let field = |first, last| Page::of(first, None, last, None).err().and_then(|error| error.field());
        assert_eq!(field(Some(200), None), None);
        assert_eq!(field(Some(201), None).as_deref(), Some("first"));
        assert_eq!(field(None, Some(-1)).as_deref(), Some("last"));
        assert_eq!(field(Some(1), Some(1)).as_deref(), Some("last"));
    }
}
