//! JSON's grammar in one pass, for objects of one line: the standard library has no parser. In earnest take
//! `serde_json`; this one is here so that the programs need nothing to be fetched, and still pass `tally check`.

pub struct NotJson;

/// Text is `None` if it holds half a surrogate pair: that is JSON, but has no UTF-8.
pub enum Value {
    Text(Option<String>),
    Number(f64),
    Flag(bool),
    Other,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A field's name and its value.
pub type Field = (Option<String>, Value);

/// The fields of an object, in the order of the line. `None`: JSON, but no object.
pub fn fields(line: &[u8]) -> Result<Option<Vec<Field>>, NotJson> {
    let text = std::str::from_utf8(line).map_err(|_| NotJson)?;
    // First the grammar, of all of it, so that a field is only looked at in a line that is JSON.
    let mut scanner = Scanner { text, at: 0 };
    scanner.skip_value()?;
    scanner.skip_space();
    if scanner.at < text.len() {
        return Err(NotJson);
    }
    scanner.at = 0;
    scanner.skip_space();
    if !scanner.take_if(b'{') {
        return Ok(None);
    }
    let mut fields = Vec::new();
    scanner.skip_space();
    while scanner.peek() == Some(b'"') {
        let name = scanner.key()?;
        scanner.skip_space();
        fields.push((name, scanner.value()?));
        scanner.skip_space();
        scanner.take_if(b',');
        scanner.skip_space();
    }
    Ok(Some(fields))
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take_if(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, word: &str) -> Result<(), NotJson> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        if is_there {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn key(&mut self) -> Result<Option<String>, NotJson> {
        self.skip_space();
        let name = self.string()?;
        self.skip_space();
        self.expect(":")?;
        Ok(name)
    }

    fn value(&mut self) -> Result<Value, NotJson> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.expect("true").map(|()| Value::Flag(true)),
            Some(b'f') => self.expect("false").map(|()| Value::Flag(false)),
            Some(b'n') => self.expect("null").map(|()| Value::Other),
            Some(b'{' | b'[') => self.skip_value().map(|()| Value::Other),
            _ => Err(NotJson),
        }
    }

    /// Without recursion: a client may nest as deep as a line is long, and a stack is not.
    fn skip_value(&mut self) -> Result<(), NotJson> {
        let mut ends = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    let end = if open == b'{' { b'}' } else { b']' };
                    self.at += 1;
                    self.skip_space();
                    if !self.take_if(end) {
                        ends.push(end);
                        if end == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => drop(self.value()?),
            }
            loop {
                let Some(&end) = ends.last() else { return Ok(()) };
                self.skip_space();
                if self.take_if(b',') {
                    if end == b'}' {
                        self.key()?;
                    }
                    break;
                }
                if !self.take_if(end) {
                    return Err(NotJson);
                }
                ends.pop();
            }
        }
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn number(&mut self) -> Result<f64, NotJson> {
        let start = self.at;
        self.take_if(b'-');
        if !self.take_if(b'0') {
            self.digits()?;
        }
        if self.take_if(b'.') {
            self.digits()?;
        }
        if self.take_if(b'e') || self.take_if(b'E') {
            if !self.take_if(b'+') {
                self.take_if(b'-');
            }
            self.digits()?;
        }
        self.text[start..self.at].parse().map_err(|_| NotJson)
    }

    fn string(&mut self) -> Result<Option<String>, NotJson> {
        self.expect("\"")?;
        let (mut text, mut is_whole) = (String::new(), true);
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            text.push_str(&self.text[start..self.at]);
            if self.take_if(b'"') {
                return Ok(is_whole.then_some(text));
            }
            match self.escape()? {
                Some(character) => text.push(character),
                None => is_whole = false,
            }
        }
    }

    /// `None`: half a surrogate pair.
    fn escape(&mut self) -> Result<Option<char>, NotJson> {
        self.expect("\\")?;
        let letter = self.peek().ok_or(NotJson)?;
        self.at += 1;
        let simple = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.code_point().map(char::from_u32),
            _ => return Err(NotJson),
        };
        Ok(Some(char::from(simple)))
    }

    fn code_point(&mut self) -> Result<u32, NotJson> {
        let high = self.four_digits()?;
        let behind = self.at;
        if (0xd800..0xdc00).contains(&high) && self.take_if(b'\\') && self.take_if(b'u') {
            let low = self.four_digits()?;
            if (0xdc00..0xe000).contains(&low) {
                return Ok(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            }
        }
        self.at = behind;
        Ok(high)
    }

    fn four_digits(&mut self) -> Result<u32, NotJson> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotJson)?;
        self.at += 4;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotJson);
        }
        u32::from_str_radix(digits, 16).map_err(|_| NotJson)
    }
}
