// A right server of steps 3 to 5 in Go, as a learner might write it: a goroutine for each client, a channel as the
// queue, and one goroutine that applies events. PORT, QUEUE and WORK_US as for all.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"time"
	"unicode/utf8"
)

const lineMax, amountMax = 16384, 1<<53 - 1

type task struct {
	user   string
	change int64
	isRead bool
	done   chan string
}

func number(name string, otherwise int) int {
	if value, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return value
	}
	return otherwise
}

func fail(reason string) string {
	return fmt.Sprintf("{\"status\":\"error\",\"reason\":%q}\n", reason)
}

// The fields of an object as text, and the names that come twice. Neither, for other JSON.
func fieldsOf(line []byte) (map[string]json.RawMessage, map[string]bool) {
	fields, twice := map[string]json.RawMessage{}, map[string]bool{}
	decoder := json.NewDecoder(bytes.NewReader(line))
	if token, _ := decoder.Token(); token != json.Delim('{') {
		return nil, nil
	}
	for decoder.More() {
		token, _ := decoder.Token()
		name := token.(string)
		var value json.RawMessage
		_ = decoder.Decode(&value)
		_, known := fields[name]
		twice[name] = twice[name] || known
		fields[name] = value
	}
	return fields, twice
}

// Whether there is a value that fits.
func read[T any](value json.RawMessage, into *T) bool {
	return value != nil && string(value) != "null" && json.Unmarshal(value, into) == nil
}

func answer(line []byte, tasks chan task) string {
	if len(line) > lineMax {
		return fail("line_too_long")
	}
	if !utf8.Valid(line) || !json.Valid(line) {
		return fail("invalid_json")
	}
	fields, twice := fieldsOf(line)
	var kind, user, action string
	var amount float64
	var wait bool
	if raw, given := fields["type"]; given {
		if twice["type"] || !read(raw, &kind) {
			return fail("invalid_event")
		}
		if kind == "health" {
			return "{\"status\":\"ok\"}\n"
		}
		if kind != "balance" {
			return fail("unknown_type")
		}
	}
	isUser := read(fields["user"], &user) && len(user) >= 1 && len(user) <= 128 && !twice["user"]
	if !isUser {
		return fail("invalid_event")
	}
	if kind == "balance" {
		done := make(chan string)
		tasks <- task{user, 0, true, done}
		return <-done
	}
	_, hasWait := fields["wait"]
	isAmount := read(fields["amount"], &amount) && amount >= 1 && amount <= amountMax && amount == math.Trunc(amount)
	isAction := read(fields["action"], &action) && (action == "buy" || action == "sell")
	isOnce := !twice["action"] && !twice["amount"] && !twice["wait"]
	if !isAmount || !isAction || !isOnce || (hasWait && !read(fields["wait"], &wait)) {
		return fail("invalid_event")
	}
	change := int64(amount)
	if action == "sell" {
		change = -change
	}
	var done chan string
	if wait {
		done = make(chan string)
	}
	select {
	case tasks <- task{user, change, false, done}:
	default:
		return "{\"status\":\"rejected\",\"reason\":\"server_busy\"}\n"
	}
	if wait {
		return <-done
	}
	return "{\"status\":\"accepted\"}\n"
}

func apply(tasks chan task) {
	balances := map[string]int64{}
	work := time.Duration(number("WORK_US", 0)) * time.Microsecond
	for task := range tasks {
		if !task.isRead {
			time.Sleep(work)
		}
		balance := balances[task.user] + task.change
		reply := fmt.Sprintf("{\"status\":\"ok\",\"balance\":%d}\n", balance)
		if balance > amountMax || balance < -amountMax {
			reply = "{\"status\":\"rejected\",\"reason\":\"balance_overflow\"}\n"
		} else if !task.isRead {
			balances[task.user] = balance
		}
		if task.done != nil {
			task.done <- reply
		}
	}
}

// The next line without its end, cut behind the limit; false at the end of the input.
func next(reader *bufio.Reader) ([]byte, bool) {
	var line []byte
	for {
		part, err := reader.ReadSlice('\n')
		if len(line) <= lineMax {
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		hasEnd := err == nil
		if hasEnd && len(line) > 0 && line[len(line)-1] == '\n' {
			line = line[:len(line)-1]
		}
		// It counts before it is dropped.
		if len(line) <= lineMax && bytes.HasSuffix(line, []byte("\r")) {
			line = line[:len(line)-1]
		}
		return line, hasEnd || len(line) > 0
	}
}

func serve(client net.Conn, tasks chan task) {
	defer client.Close()
	reader := bufio.NewReader(client)
	for {
		line, isLine := next(reader)
		if !isLine {
			return
		}
		if _, err := io.WriteString(client, answer(line, tasks)); err != nil {
			return
		}
	}
}

func main() {
	tasks := make(chan task, number("QUEUE", 1024))
	go apply(tasks)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	for {
		if client, err := listener.Accept(); err == nil {
			go serve(client, tasks)
		}
	}
}
