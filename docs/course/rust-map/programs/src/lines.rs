//! Lines from packets. A packet is `&[u8]`, and so is a line; a type of its own keeps the two apart.

pub const LINE_BYTES_MAX: usize = 16_384;

/// The bytes of one line, without its end. The field is private: only this file can make one.
pub struct Line<'a>(&'a [u8]);

pub struct TooLong;

/// What one client has sent and nobody has read yet.
#[derive(Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    /// The line that began before `at` was too long, and its end has not come yet.
    is_skipping: bool,
}

impl<'a> Line<'a> {
    fn of(bytes: &'a [u8]) -> Result<Line<'a>, TooLong> {
        if bytes.len() > LINE_BYTES_MAX {
            return Err(TooLong);
        }
        Ok(Line(bytes.strip_suffix(b"\r").unwrap_or(bytes)))
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl Lines {
    pub fn feed(&mut self, packet: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(packet);
    }

    /// The next whole line. It borrows from `self`, so the next packet cannot be fed while somebody still reads it.
    pub fn next_line(&mut self) -> Option<Result<Line<'_>, TooLong>> {
        loop {
            let start = self.at;
            let rest = &self.bytes[start..];
            if let Some(length) = rest.iter().position(|&byte| byte == b'\n') {
                self.at += length + 1;
                if !std::mem::take(&mut self.is_skipping) {
                    return Some(Line::of(&self.bytes[start..start + length]));
                }
            } else if self.is_skipping {
                self.at = self.bytes.len();
                return None;
            } else if rest.len() > LINE_BYTES_MAX {
                self.is_skipping = true;
                self.at = self.bytes.len();
                return Some(Err(TooLong));
            } else {
                return None;
            }
        }
    }

    /// When the client has ended its side: what is left is a line, too.
    pub fn last_line(&mut self) -> Option<Result<Line<'_>, TooLong>> {
        let start = self.at;
        self.at = self.bytes.len();
        (start < self.at && !self.is_skipping).then(|| Line::of(&self.bytes[start..]))
    }
}
