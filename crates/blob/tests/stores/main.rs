//! All stores, tested: the folder of files, and a real S3 store where the environment names one.

mod bucket;
mod common;
mod files;
mod presign;
mod s3;
