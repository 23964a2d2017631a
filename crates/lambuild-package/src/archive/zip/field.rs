//! Numbers out of bytes, little end first, with an end that is an error and no panic.

/// `length` bytes from `start`; `None` where there are fewer.
pub fn at(bytes: &[u8], start: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    bytes.get(start..end)
}

/// Reads fields one after the other.
pub struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    /// Of these bytes; of none where there are none.
    pub fn new(bytes: Option<&'b [u8]>) -> Self {
        Fields(bytes.unwrap_or_default())
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("it is cut off")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken = self.bytes(N)?;
        taken.try_into().map_err(|_| "it is cut off".to_owned())
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Result<u16, String> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// The next eight bytes.
    pub fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}
