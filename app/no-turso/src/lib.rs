//! Stands in for the database engine `turso`, behind which CubeCL keeps the kernels it has tuned. In a page that engine
//! weighs more than everything else together, for a table of some hundred rows; worker/tuned.rs keeps these itself.
//!
//! Names and shapes are what `cubecl-environment` 0.11 uses of turso 0.8 in a browser, and nothing more. There is no
//! database: opening one is refused, so nothing here that needs one can ever exist, and the compiler drops what calls
//! it. CubeCL then keeps its tables in memory, where they can be read and filled.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

pub mod core;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Debug)]
pub enum Error {
    Busy(String),
    BusySnapshot(String),
    Error(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Busy(message) | Self::BusySnapshot(message) | Self::Error(message)) = self;
        f.write_str(message)
    }
}

impl std::error::Error for Error {}

pub mod transaction {
    /// When a transaction takes the writer's lock.
    #[derive(Clone, Copy, Debug)]
    pub enum TransactionBehavior {
        Deferred,
        Immediate,
    }
}

pub struct Builder;

impl Builder {
    pub fn new_local(_path: &str) -> Self {
        Self
    }

    pub fn with_io_impl(self, _io: Arc<dyn core::IO>) -> Self {
        self
    }

    /// # Errors
    /// Always: there is no engine.
    pub async fn build(self) -> Result<Database> {
        Err(Error::Error("this build has no database engine".into()))
    }
}

/// Never there.
#[derive(Clone, Copy, Debug)]
pub enum Database {}

impl Database {
    pub fn connect(&self) -> Result<Connection> {
        match *self {}
    }
}

/// Never there.
#[derive(Clone, Copy, Debug)]
pub enum Connection {}

impl Connection {
    pub fn busy_timeout(&self, _longest: Duration) -> Result<()> {
        match *self {}
    }

    pub async fn execute<P>(&self, _statement: &str, _parameters: P) -> Result<u64> {
        match *self {}
    }

    pub async fn query<P>(&self, _statement: &str, _parameters: P) -> Result<Rows> {
        match *self {}
    }

    pub async fn pragma_query<F: FnMut(&Row) -> Result<()>>(&self, _pragma: &str, _each: F) -> Result<()> {
        match *self {}
    }

    pub async fn transaction_with_behavior(
        &mut self,
        _behavior: transaction::TransactionBehavior,
    ) -> Result<Transaction<'_>> {
        match *self {}
    }
}

/// Never there.
#[derive(Debug)]
pub struct Transaction<'a> {
    connection: Connection,
    of: PhantomData<&'a mut Connection>,
}

impl Transaction<'_> {
    pub async fn commit(self) -> Result<()> {
        match self.connection {}
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Never there.
#[derive(Debug)]
pub enum Rows {}

impl Rows {
    pub async fn next(&mut self) -> Result<Option<Row>> {
        match *self {}
    }
}

/// Never there.
#[derive(Debug)]
pub enum Row {}

impl Row {
    pub fn get<T>(&self, _column: usize) -> Result<T> {
        match *self {}
    }
}
