//! A right server of steps 3 to 5 in Rust, as a learner might write it: a thread for each client, a bounded channel as
//! the queue, and one thread that applies events. PORT, QUEUE and WORK_US as for all.
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::{env, fmt, str, thread, time::Duration};

const LINE_MAX: usize = 16_384;
const AMOUNT_MAX: i64 = (1 << 53) - 1;
const KNOWN: [&str; 5] = ["type", "user", "action", "amount", "wait"];

struct Task {
    user: String,
    /// None asks for the balance.
    change: Option<i64>,
    done: Option<SyncSender<String>>,
}

/// What a line holds of the fields that are known. A second one of the same name makes it null, which is never right.
#[derive(Default)]
struct Fields(HashMap<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("JSON")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<String>()? {
            if !KNOWN.contains(&name.as_str()) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value()?;
            let value = if fields.0.contains_key(&name) { Value::Null } else { value };
            fields.0.insert(name, value);
        }
        Ok(fields)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Fields, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Fields::default())
    }
    fn visit_unit<E>(self) -> Result<Fields, E> {
        Ok(Fields::default())
    }
    fn visit_bool<E>(self, _: bool) -> Result<Fields, E> {
        Ok(Fields::default())
    }
    fn visit_u64<E>(self, _: u64) -> Result<Fields, E> {
        Ok(Fields::default())
    }
    fn visit_i64<E>(self, _: i64) -> Result<Fields, E> {
        Ok(Fields::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<Fields, E> {
        Ok(Fields::default())
    }
    fn visit_str<E>(self, _: &str) -> Result<Fields, E> {
        Ok(Fields::default())
    }
}

fn error(reason: &str) -> String {
    format!("{{\"status\":\"error\",\"reason\":\"{reason}\"}}\n")
}

fn amount_of(value: Option<&Value>) -> Option<i64> {
    let amount = value?.as_f64()?;
    let is_right = amount >= 1.0 && amount <= AMOUNT_MAX as f64 && amount.fract() == 0.0;
    is_right.then_some(amount as i64)
}

fn answer(line: &[u8], tasks: &SyncSender<Task>) -> String {
    if line.len() > LINE_MAX {
        return error("line_too_long");
    }
    let Ok(text) = str::from_utf8(line) else { return error("invalid_json") };
    let Ok(Fields(fields)) = serde_json::from_str(text) else { return error("invalid_json") };
    let is_balance = match fields.get("type") {
        None => false,
        Some(Value::String(kind)) if kind == "health" => return "{\"status\":\"ok\"}\n".into(),
        Some(Value::String(kind)) if kind == "balance" => true,
        Some(Value::String(_)) => return error("unknown_type"),
        Some(_) => return error("invalid_event"),
    };
    let user = match fields.get("user").and_then(Value::as_str) {
        Some(user) if (1..=128).contains(&user.len()) => user.to_string(),
        _ => return error("invalid_event"),
    };
    let ask = |change| {
        let (done, reply) = sync_channel(1);
        (Task { user: user.clone(), change, done: Some(done) }, reply)
    };
    if is_balance {
        let (task, reply) = ask(None);
        tasks.send(task).unwrap();
        return reply.recv().unwrap();
    }
    let change = match (fields.get("action").and_then(Value::as_str), amount_of(fields.get("amount"))) {
        (Some("buy"), Some(amount)) => amount,
        (Some("sell"), Some(amount)) => -amount,
        _ => return error("invalid_event"),
    };
    let busy = || "{\"status\":\"rejected\",\"reason\":\"server_busy\"}\n".to_string();
    match fields.get("wait").map_or(Some(false), Value::as_bool) {
        None => error("invalid_event"),
        Some(true) => {
            let (task, reply) = ask(Some(change));
            tasks.try_send(task).map_or_else(|_| busy(), |()| reply.recv().unwrap())
        }
        Some(false) => {
            let task = Task { user, change: Some(change), done: None };
            tasks.try_send(task).map_or_else(|_| busy(), |()| "{\"status\":\"accepted\"}\n".into())
        }
    }
}

fn apply(tasks: Receiver<Task>) {
    let work = Duration::from_micros(number("WORK_US", 0) as u64);
    let mut balances: HashMap<String, i64> = HashMap::new();
    for Task { user, change, done } in tasks {
        if change.is_some() {
            thread::sleep(work);
        }
        let balance = balances.get(&user).copied().unwrap_or(0) + change.unwrap_or(0);
        let fits = balance.abs() <= AMOUNT_MAX;
        if fits && change.is_some() {
            balances.insert(user, balance);
        }
        if let Some(done) = done {
            let reply = if fits {
                format!("{{\"status\":\"ok\",\"balance\":{balance}}}\n")
            } else {
                "{\"status\":\"rejected\",\"reason\":\"balance_overflow\"}\n".into()
            };
            let _ = done.send(reply);
        }
    }
}

/// The next line without its end, cut behind the limit; None at the end of the input.
fn next(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let limit = LINE_MAX as u64 + 2;
    if reader.by_ref().take(limit).read_until(b'\n', &mut line).ok()? == 0 {
        return None;
    }
    if line.ends_with(b"\n") {
        line.pop();
    } else if line.len() as u64 == limit {
        let mut rest = Vec::new();
        while reader.by_ref().take(limit).read_until(b'\n', &mut rest).ok()? > 0 && !rest.ends_with(b"\n") {
            rest.clear();
        }
        return Some(line);
    }
    // It counts before it is dropped.
    if line.len() <= LINE_MAX && line.ends_with(b"\r") {
        line.pop();
    }
    Some(line)
}

fn serve(mut client: TcpStream, tasks: SyncSender<Task>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(line) = next(&mut reader) {
        client.write_all(answer(&line, &tasks).as_bytes())?;
    }
    Ok(())
}

fn number(name: &str, otherwise: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn main() {
    let (tasks, receiver) = sync_channel(number("QUEUE", 1024));
    thread::spawn(|| apply(receiver));
    let listener = TcpListener::bind(("127.0.0.1", number("PORT", 7878) as u16)).unwrap();
    for client in listener.incoming().flatten() {
        let tasks = tasks.clone();
        thread::spawn(move || serve(client, tasks));
    }
}
