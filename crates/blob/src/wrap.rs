//! What all wrappers have in common: every call goes through one function of theirs.

/// Implements [`Blobs`](crate::Blobs) and [`NativeVersions`](crate::NativeVersions) for a wrapper with a field `inner`
/// and three methods: `around(operation, future)` runs a call, `incoming(body)` and `outgoing(body)` see the bytes.
macro_rules! wrapper {
    ($name:ident) => {
        #[async_trait::async_trait]
        impl<B: $crate::Blobs> $crate::Blobs for $name<B> {
            async fn put(
                &self,
                key: &$crate::Key,
                body: $crate::Body,
                options: &$crate::PutOptions,
            ) -> $crate::Result<$crate::Put> {
                let body = self.incoming(body);
                self.around($crate::Operation::Put, self.inner.put(key, body, options))
                    .await
            }

            async fn get(
                &self,
                key: &$crate::Key,
                version: Option<&str>,
                range: Option<$crate::ByteRange>,
            ) -> $crate::Result<$crate::Got> {
                let mut got = self
                    .around($crate::Operation::Get, self.inner.get(key, version, range))
                    .await?;
                got.body = self.outgoing(got.body);
                Ok(got)
            }

            async fn head(&self, key: &$crate::Key, version: Option<&str>) -> $crate::Result<$crate::Head> {
                self.around($crate::Operation::Head, self.inner.head(key, version))
                    .await
            }

            async fn delete(&self, key: &$crate::Key, version: Option<&str>) -> $crate::Result<$crate::Deleted> {
                self.around($crate::Operation::Delete, self.inner.delete(key, version))
                    .await
            }

            async fn copy(
                &self,
                from: &$crate::Key,
                from_version: Option<&str>,
                to: &$crate::Key,
                options: &$crate::PutOptions,
            ) -> $crate::Result<$crate::Copied> {
                let copy = self.inner.copy(from, from_version, to, options);
                self.around($crate::Operation::Copy, copy).await
            }

            async fn check(&self) -> $crate::Result<()> {
                self.around($crate::Operation::Check, self.inner.check()).await
            }

            fn presign_get(
                &self,
                key: &$crate::Key,
                version: Option<&str>,
                options: &$crate::PresignOptions,
            ) -> $crate::Result<Option<String>> {
                self.inner.presign_get(key, version, options)
            }

            fn presign_put(
                &self,
                key: &$crate::Key,
                options: &$crate::PresignOptions,
            ) -> $crate::Result<Option<String>> {
                self.inner.presign_put(key, options)
            }

            fn native(&self) -> Option<&dyn $crate::NativeVersions> {
                self.inner.native().is_some().then_some(self)
            }
        }

        #[async_trait::async_trait]
        impl<B: $crate::Blobs> $crate::NativeVersions for $name<B> {
            async fn tags(&self, key: &$crate::Key, version: Option<&str>) -> $crate::Result<Vec<(String, String)>> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around($crate::Operation::Tags, native.tags(key, version))
                    .await
            }

            async fn put_tags(
                &self,
                key: &$crate::Key,
                version: Option<&str>,
                tags: &[(String, String)],
            ) -> $crate::Result<()> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around($crate::Operation::PutTags, native.put_tags(key, version, tags))
                    .await
            }

            async fn abort_parts(&self, key: &$crate::Key) -> $crate::Result<usize> {
                $crate::wrap::native(&self.inner)?.abort_parts(key).await
            }

            async fn list_folder(
                &self,
                prefix: &str,
                after: Option<&$crate::ListCursor>,
            ) -> $crate::Result<$crate::ListPage> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around($crate::Operation::ListVersions, native.list_folder(prefix, after))
                    .await
            }

            async fn policy(&self) -> $crate::Result<Option<String>> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around($crate::Operation::Policy, native.policy()).await
            }

            async fn put_policy(&self, policy: Option<&str>) -> $crate::Result<()> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around($crate::Operation::PutPolicy, native.put_policy(policy))
                    .await
            }

            async fn anyone_may_read(&self, key: &$crate::Key) -> $crate::Result<bool> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around($crate::Operation::Acl, native.anyone_may_read(key))
                    .await
            }

            async fn withdraw_from_anyone(&self, key: &$crate::Key) -> $crate::Result<bool> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around($crate::Operation::PutAcl, native.withdraw_from_anyone(key))
                    .await
            }

            async fn list_versions(
                &self,
                prefix: &str,
                after: Option<&$crate::ListCursor>,
            ) -> $crate::Result<$crate::ListPage> {
                let native = $crate::wrap::native(&self.inner)?;
                self.around(
                    $crate::Operation::ListVersions,
                    native.list_versions(prefix, after),
                )
                .await
            }
        }
    };
}

pub(crate) use wrapper;

/// The inner store's own versions; a wrapper offers them only when the inner store does.
pub(crate) fn native<B: crate::Blobs>(inner: &B) -> crate::Result<&dyn crate::NativeVersions> {
    let missing = || crate::Error::new(crate::Kind::Invalid).because("the store has no versions of its own");
    inner.native().ok_or_else(missing)
}
