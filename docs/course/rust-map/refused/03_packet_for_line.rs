//! refused: E0308
//! Step 3's pain, as an error of types: a packet is no line.

mod lines {
    pub struct Line<'a>(&'a [u8]);

    pub fn lines(packet: &[u8]) -> impl Iterator<Item = Line<'_>> {
        packet.split(|&byte| byte == b'\n').map(Line)
    }

    impl Line<'_> {
        pub fn len(&self) -> usize {
            self.0.len()
        }
    }
}

fn judge(line: lines::Line) -> bool {
    line.len() <= 16_384
}

fn main() {
    let packet: &[u8] = b"{\"type\":\"health\"}\n{\"type\":\"health\"}\n";
    assert!(lines::lines(packet).all(judge));
    assert!(judge(packet));
}
