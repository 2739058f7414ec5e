//! Statements that carry many rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel,
    Iterable, PrimaryKeyToColumn, Statement, Value,
};

use super::{Error, while_};

/// How many rows one statement carries. SQLite takes at most 32,766 values in a statement and PostgreSQL 65,535; that
/// is enough for these, and larger statements are hardly any faster.
pub const ROWS_PER_STATEMENT_MAX: usize = 256;

/// What happens to a row that is there already.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Present {
    Replaced,
    AnError,
}

/// Statements that write rows, whether or not they are there already.
pub fn upserts<E>(backend: DbBackend, rows: Vec<E::Model>) -> Vec<Statement>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    statements::<E>(backend, Present::Replaced, rows)
}

/// Statements that write rows which must not be there.
pub fn inserts<E>(backend: DbBackend, rows: Vec<E::Model>) -> Vec<Statement>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    statements::<E>(backend, Present::AnError, rows)
}

/// Carries statements out. They are made before a transaction begins, so that nobody waits for that.
pub async fn carry_out(
    transaction: &DatabaseTransaction,
    doing: &'static str,
    statements: Vec<Statement>,
) -> Result<(), Error> {
    for statement in statements {
        transaction.execute_raw(statement).await.map_err(while_(doing))?;
    }
    Ok(())
}

fn statements<E>(backend: DbBackend, present: Present, rows: Vec<E::Model>) -> Vec<Statement>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let statement = |chunk: Vec<E::Model>| {
        let sql = text::<E>(backend, present, chunk.len());
        let values = chunk.into_iter().flat_map(|row| {
            let mut row = row.into_active_model();
            E::Column::iter().map(move |column| {
                row.take(column).into_value().expect("a row that was read or made has all of its columns")
            })
        });
        Statement::from_sql_and_values(backend, &*sql, values.collect::<Vec<Value>>())
    };
    chunks(rows).map(statement).collect()
}

/// The statement that writes `n_rows` rows of a table. There are few of them, and they are long: to put one together
/// for every use takes longer than to carry it out.
fn text<E: EntityTrait>(backend: DbBackend, present: Present, n_rows: usize) -> Arc<str> {
    type Texts = BTreeMap<(&'static str, Present, usize, bool), Arc<str>>;
    static TEXTS: Mutex<Texts> = Mutex::new(Texts::new());

    let key = (E::default().table_name(), present, n_rows, backend == DbBackend::Postgres);
    let mut texts = TEXTS.lock().expect("nothing panics while it holds this");
    Arc::clone(texts.entry(key).or_insert_with(|| {
        let mut statement = Query::insert();
        statement.into_table(E::default().table_ref()).columns(E::Column::iter());
        for _ in 0..n_rows {
            // Any value will do: only its place is in the text.
            statement.values_panic(E::Column::iter().map(|_| Expr::value(0)));
        }
        if present == Present::Replaced {
            let is_key = |column: &E::Column| E::PrimaryKey::from_column(*column).is_some();
            let replace = OnConflict::columns(E::Column::iter().filter(is_key))
                .update_columns(E::Column::iter().filter(|column| !is_key(column)))
                .to_owned();
            statement.on_conflict(replace);
        }
        backend.build(&statement).sql.into()
    }))
}

/// Cuts rows into statements of a few sizes only, 256, 128, 64, …, 1: a connection keeps each statement that it has
/// prepared, and preparing a large one costs more than carrying out three small ones.
pub fn chunks<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let size = 1 << rows.len().min(ROWS_PER_STATEMENT_MAX).checked_ilog2()?;
        Some(rows.by_ref().take(size).collect())
    })
}

/// The same for values that are looked for: they are as many as the next power of two, the last one repeated.
pub fn padded<T>(values: &[T]) -> impl Iterator<Item = &T> {
    values.iter().chain(values.last().into_iter().cycle()).take(values.len().next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_statements_of_few_sizes() {
        for (n, expected) in
            [(0, &[][..]), (1, &[1]), (7, &[4, 2, 1]), (256, &[256]), (600, &[256, 256, 64, 16, 8])]
        {
            let chunks: Vec<Vec<usize>> = chunks((0..n).collect()).collect();
            assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), expected);
            assert!(chunks.into_iter().flatten().eq(0..n));
        }
    }

    #[test]
    fn values_are_filled_up_to_a_power_of_two() {
        for (n, expected) in [(0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (256, 256)] {
            let values: Vec<usize> = (0..n).collect();
            let padded: Vec<usize> = padded(&values).copied().collect();
            assert_eq!(padded.len(), expected);
            assert!(values.iter().eq(&padded[..n]) && padded[n..].iter().all(|value| *value == n - 1));
        }
    }
}
