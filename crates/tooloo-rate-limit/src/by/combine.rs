//! Keys made of keys.

use tooloo_key::{ExtractKey, Key};

/// Finds a key of several parts. See [`all`].
#[derive(Clone, Copy, Debug)]
pub struct All<T>(T);

/// Finds the first key there is. See [`first`].
#[derive(Clone, Copy, Debug)]
pub struct First<T>(T);

/// Groups requests that agree in every one of two to four keys; one that lacks any of them has none.
pub fn all<T>(parts: T) -> All<T> {
    All(parts)
}

/// Groups requests by the first of two to four keys that they have.
pub fn first<T>(choices: T) -> First<T> {
    First(choices)
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<Req, $($name: ExtractKey<Req>),+> ExtractKey<Req> for All<($($name,)+)> {
            #[expect(non_snake_case, reason = "each part is named by its type")]
            fn key(&self, request: &Req) -> Option<Key> {
                let All(($($name,)+)) = self;
                let parts = [$($name.key(request)?),+];
                // Told apart by their lengths, whatever stands in them.
                let joined = parts.iter().map(|part| format!("{}:{part}", part.as_str().len()));
                Some(Key::from(joined.collect::<Vec<_>>().join(" ")))
            }
        }

        impl<Req, $($name: ExtractKey<Req>),+> ExtractKey<Req> for First<($($name,)+)> {
            #[expect(non_snake_case, reason = "each choice is named by its type")]
            fn key(&self, request: &Req) -> Option<Key> {
                let First(($($name,)+)) = self;
                None $(.or_else(|| $name.key(request)))+
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
