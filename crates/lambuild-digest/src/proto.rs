//! The protobuf wire format, as far as the Remote Execution API's messages need
//! it, in the one canonical way in which it is hashed: fields in the order of
//! their numbers, no default values. Knows no message.

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    /// The bytes end inside a field.
    #[error("the message is cut short")]
    Truncated,
    /// A number is longer than 64 bits.
    #[error("a number in the message is too long")]
    Overlong,
    /// A field has a wire type that the API's messages do not use.
    #[error("the message has a field of an unknown form")]
    WireType,
    /// Text is not UTF-8, or a value is outside what its field may hold.
    #[error("a field of the message has no valid value")]
    Value,
}

/// Writes a message; the caller adds fields in the order of their numbers.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A number; left out when it is 0.
    pub fn uint(&mut self, field: u32, value: u64) -> &mut Self {
        if value != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(value);
        }
        self
    }

    /// A text or bytes; left out when empty.
    pub fn bytes(&mut self, field: u32, value: &[u8]) -> &mut Self {
        if !value.is_empty() {
            self.always(field, value);
        }
        self
    }

    /// A text or bytes that is there even when empty: an item of a repeated field, or a message.
    pub fn always(&mut self, field: u32, value: &[u8]) -> &mut Self {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// A nested message, there even when empty.
    pub fn message(&mut self, field: u32, fill: impl FnOnce(&mut Writer)) -> &mut Self {
        let mut inner = Writer::default();
        fill(&mut inner);
        self.always(field, &inner.0)
    }

    /// The message's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// A number.
    Uint(u64),
    /// A text, bytes or a nested message.
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    /// The field as a number.
    ///
    /// # Errors
    /// When it is bytes.
    pub fn uint(self) -> Result<u64, ProtoError> {
        match self {
            Field::Uint(value) => Ok(value),
            Field::Bytes(_) => Err(ProtoError::WireType),
        }
    }

    /// The field as bytes.
    ///
    /// # Errors
    /// When it is a number.
    pub fn bytes(self) -> Result<&'a [u8], ProtoError> {
        match self {
            Field::Bytes(bytes) => Ok(bytes),
            Field::Uint(_) => Err(ProtoError::WireType),
        }
    }

    /// The field as text.
    ///
    /// # Errors
    /// When it is a number or not UTF-8.
    pub fn text(self) -> Result<&'a str, ProtoError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ProtoError::Value)
    }
}

/// Reads the fields of a message in the order in which they stand.
#[derive(Debug, Clone)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader of one message's bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    /// The next field with its number; `None` at the end.
    ///
    /// # Errors
    /// When the bytes are no message.
    pub fn field(&mut self) -> Result<Option<(u32, Field<'a>)>, ProtoError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtoError::Value)?;
        let field = match tag & 7 {
            0 => Field::Uint(self.varint()?),
            2 => Field::Bytes(self.take()?),
            _ => return Err(ProtoError::WireType),
        };
        Ok(Some((number, field)))
    }

    fn varint(&mut self) -> Result<u64, ProtoError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(ProtoError::Truncated)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(ProtoError::Overlong);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ProtoError::Overlong)
    }

    fn take(&mut self) -> Result<&'a [u8], ProtoError> {
        let length = usize::try_from(self.varint()?).map_err(|_| ProtoError::Overlong)?;
        if length > self.0.len() {
            return Err(ProtoError::Truncated);
        }
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while let Ok(Some(_)) = reader.field() {}
        }

        #[test]
        fn what_is_written_is_read(number in 1u64.., text: String) {
            let mut writer = Writer::default();
            writer.uint(1, number).always(2, text.as_bytes());
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.field(), Ok(Some((1, Field::Uint(number)))));
            prop_assert_eq!(reader.field(), Ok(Some((2, Field::Bytes(text.as_bytes())))));
            prop_assert_eq!(reader.field(), Ok(None));
        }
    }

    #[test]
    fn defaults_are_left_out_and_length_lies_are_refused() {
        let mut writer = Writer::default();
        writer.uint(1, 0).bytes(2, b"");
        assert_eq!(writer.finish(), b"");
        assert_eq!(Reader::new(&[0x12, 9, 1]).field(), Err(ProtoError::Truncated));
        assert_eq!(
            Reader::new(&[0x0d, 0, 0, 0, 0]).field(),
            Err(ProtoError::WireType)
        );
        assert_eq!(
            Reader::new(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2]).field(),
            Err(ProtoError::Overlong)
        );
    }
}
