//! A program that is spoken with: text goes in, lines come out, until one of us ends it.

use std::io::{PipeReader, PipeWriter, Write};
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::waiting;
use super::waiting::Told;
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

/// A running program. Dropping it closes its input and waits for it to end: whatever it was told
/// last, it finishes first.
pub struct Dialogue {
    command: Command,
    input: Option<PipeWriter>,
    lines: Receiver<Line>,
    handle: duct::Handle,
    _told: Told,
}

impl Command {
    /// Starts the program for a conversation. When this process is killed, the program finishes what it was
    /// told, and then finds the end of its input.
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
        // it holds copies of the pipes; without this they never end
        drop(expression);
        let (sender, lines) = channel();
        read(output, sender.clone(), Line::Output);
        read(errors, sender, Line::Error);
        let told = waiting::tell_on_signal(&handle);
        Ok(Dialogue { command: self, input: Some(writer), lines, handle, _told: told })
    }
}

fn read(pipe: PipeReader, sender: Sender<Line>, kind: fn(Vec<u8>) -> Line) {
    std::thread::spawn(move || {
        each_line(pipe, &mut |line: &[u8]| {
            // nobody listens any more: read on, so that the program does not block
            let _ = sender.send(kind(line.to_vec()));
        });
    });
}

impl Dialogue {
    /// Says something. A program that has ended does not hear it, which is no error here: what it
    /// said last tells why.
    pub fn say(&mut self, text: &[u8]) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(text).and_then(|()| input.flush());
        }
    }

    /// The next line, or `None` when the program has closed both of its outputs.
    pub fn hear(&mut self) -> Option<Line> {
        self.lines.recv().ok()
    }

    /// Closes the input and waits for the program to end.
    pub fn end(&mut self) -> Result<ExitStatus> {
        self.input = None;
        while self.hear().is_some() {}
        Ok(self.handle.wait().map_err(|e| self.command.cannot_start(&e))?.status)
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.handle.wait();
    }
}
