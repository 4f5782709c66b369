//! Data sets as the hub packs them: Parquet files, and text files in gzip.

mod parquet;
mod unpack;

pub use parquet::parquet;
pub use unpack::unpacked;
