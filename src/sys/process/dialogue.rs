//! Conversations with a running program: db-tool sends text and reads lines.

use std::io::{PipeReader, PipeWriter, Write};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::waiting;
use super::waiting::SignalRelay;
use super::{Command, each_line};
use crate::sys::error::Result;

/// A line that the program wrote, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// To standard output.
    Output(Vec<u8>),
    /// To standard error.
    Error(Vec<u8>),
}

/// A running program. Dropping it closes the program's input and waits for the program to end, so
/// the program finishes its last request.
pub struct Dialogue {
    command: Command,
    input: Option<PipeWriter>,
    lines: Receiver<Line>,
    handle: duct::Handle,
    _relay: SignalRelay,
}

impl Command {
    /// Starts the program for a conversation. If db-tool is killed, the program finishes its
    /// requests and then reads the end of its input.
    pub fn converse(self) -> Result<Dialogue> {
        let (input, writer) = self.pipe()?;
        let (output, output_writer) = self.pipe()?;
        let (errors, error_writer) = self.pipe()?;
        let expression = self
            .expression(false)
            .stdin_file(input)
            .stdout_file(output_writer)
            .stderr_file(error_writer);
        let handle = expression.unchecked().start().map_err(|e| self.cannot_start(&e))?;
        // the expression holds copies of the pipes; unless it is dropped, they never end
        drop(expression);
        let (sender, lines) = channel();
        read(output, sender.clone(), Line::Output);
        read(errors, sender, Line::Error);
        let relay = waiting::relay_signals(&handle);
        Ok(Dialogue { command: self, input: Some(writer), lines, handle, _relay: relay })
    }
}

fn read(pipe: PipeReader, sender: Sender<Line>, kind: fn(Vec<u8>) -> Line) {
    std::thread::spawn(move || {
        each_line(pipe, &mut |line: &[u8]| {
            // without a receiver, read on: a full pipe would block the program
            let _ = sender.send(kind(line.to_vec()));
        });
    });
}

impl Dialogue {
    /// Sends text to the program. It is no error here if the program has ended: its last lines tell
    /// why.
    pub fn send(&mut self, text: &[u8]) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(text).and_then(|()| input.flush());
        }
    }

    /// Waits for the next line. `None` when the program has closed both outputs.
    pub fn next_line(&mut self) -> Option<Line> {
        self.lines.recv().ok()
    }

    /// Closes the input and waits for the program to end.
    pub fn end(&mut self) -> Result<ExitStatus> {
        self.input = None;
        while self.next_line().is_some() {}
        Ok(self.handle.wait().map_err(|e| self.command.cannot_start(&e))?.status)
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.handle.wait();
    }
}
