//! Reads typed values from TOML, and from the plain text of variables and flags.

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::tree::{Leaf, Node};

type Error = toml::de::Error;

/// Deserializes a [`Node`]: text turns into whatever the target asks for.
pub(super) struct NodeDeserializer<'a>(pub(super) &'a Node);

struct Text<'a>(&'a str);

impl<'de> NodeDeserializer<'de> {
    fn leaf(self) -> Result<&'de Leaf, Table<'de>> {
        match self.0 {
            Node::Leaf(leaf, _) => Ok(leaf),
            Node::Table(table) => Err(Table(table.iter())),
        }
    }
}

struct Table<'a>(std::collections::btree_map::Iter<'a, String, Node>);

impl<'de> Table<'de> {
    fn into_map(
        self,
    ) -> MapDeserializer<'de, impl Iterator<Item = (&'de str, NodeDeserializer<'de>)>, Error> {
        MapDeserializer::new(
            self.0
                .map(|(key, node)| (key.as_str(), NodeDeserializer(node))),
        )
    }
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.leaf() {
                Ok(Leaf::Toml(value)) => value.clone().$method(visitor),
                Ok(Leaf::Text(text)) => Text(text).$method(visitor),
                Err(table) => visitor.visit_map(table.into_map()),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeDeserializer<'de> {
    type Error = Error;

    forward! {
        deserialize_any deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_seq deserialize_map
        deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.leaf() {
            Ok(Leaf::Toml(value)) => value.clone().deserialize_struct(name, fields, visitor),
            Ok(Leaf::Text(text)) => Text(text).deserialize_map(visitor),
            Err(table) => visitor.visit_map(table.into_map()),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.leaf() {
            Ok(Leaf::Toml(value)) => value.clone().deserialize_enum(name, variants, visitor),
            Ok(Leaf::Text(text)) => visitor.visit_enum(text.as_str().into_deserializer()),
            Err(table) => {
                let access = serde::de::value::MapAccessDeserializer::new(table.into_map());
                visitor.visit_enum(access)
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }
}

impl<'de> IntoDeserializer<'de, Error> for NodeDeserializer<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parse {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.trim().parse() {
                Ok(value) => visitor.$visit(value),
                // The visitor says what it expected instead.
                Err(_) => visitor.visit_str(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Error;

    parse! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i64 deserialize_i16 visit_i64 deserialize_i32 visit_i64
        deserialize_i64 visit_i64 deserialize_i128 visit_i128
        deserialize_u8 visit_u64 deserialize_u16 visit_u64 deserialize_u32 visit_u64
        deserialize_u64 visit_u64 deserialize_u128 visit_u128
        deserialize_f32 visit_f64 deserialize_f64 visit_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    /// Reads a TOML array, or else a list parted by commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.0.trim();
        if text.starts_with('[') {
            let value: toml::Value = toml::de::ValueDeserializer::parse(text)
                .and_then(serde::Deserialize::deserialize)?;
            return value.deserialize_seq(visitor);
        }
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        visitor.visit_seq(SeqDeserializer::new(parts))
    }

    /// Reads an inline TOML table, or else `key=value` pairs parted by commas.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.0.trim();
        if text.starts_with('{') {
            let value: toml::Value = toml::de::ValueDeserializer::parse(text)
                .and_then(serde::Deserialize::deserialize)?;
            return value.deserialize_map(visitor);
        }
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        if parts.clone().any(|part| !part.contains('=')) {
            // The text may be a secret: it is not repeated.
            return Err(Error::custom(
                "expected a table, as key=value pairs parted by commas",
            ));
        }
        let pairs = parts.filter_map(|part| part.split_once('='));
        visitor.visit_map(Pairs { pairs, value: "" })
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf option unit unit_struct newtype_struct tuple tuple_struct
        struct enum identifier ignored_any
    }
}

struct Pairs<'a, I> {
    pairs: I,
    value: &'a str,
}

impl<'a, 'de, I: Iterator<Item = (&'a str, &'a str)>> MapAccess<'de> for Pairs<'a, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.pairs.next() else {
            return Ok(None);
        };
        self.value = value.trim();
        seed.deserialize(Text(key.trim())).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Text(self.value))
    }
}
