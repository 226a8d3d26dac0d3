//! One client: a socket that is opened when it is needed and kept as long as the server keeps it.

use std::io::Result;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::Request;
use super::answer::{self, Answer};

/// A page of the feed is 13 KB; what is longer is read in pieces of this.
const BUFFER_BYTES: usize = 64 * 1024;

/// A client of one server.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// One that connects with its first request.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::new() }
    }

    /// One that is connected.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let mut connection = Self::new(address);
        connection.stream = Some(connect(address).await?);
        Ok(connection)
    }

    /// Sends a request and reads the answer; a body that is read on is not kept.
    ///
    /// # Errors
    /// What the socket says, or that the answer is not understood.
    pub async fn exchange(&mut self, request: &Request) -> Result<Answer> {
        self.ask(request, None).await
    }

    /// As [`Connection::exchange`]; with the body.
    pub async fn fetch(&mut self, request: &Request) -> Result<(Answer, Vec<u8>)> {
        let mut body = Vec::new();
        let answer = self.ask(request, Some(&mut body)).await?;
        Ok((answer, body))
    }

    /// Ends it; the next request opens another.
    pub fn close(&mut self) {
        self.stream = None;
    }

    async fn ask(&mut self, request: &Request, kept: Option<&mut Vec<u8>>) -> Result<Answer> {
        self.buffer.resize(BUFFER_BYTES, 0);
        // Taken out: an exchange that is given up in the middle leaves nothing to go on with.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        let mut answer = if request.body.is_empty() {
            stream.write_all(&request.head).await?;
            answer::read(&mut stream, &mut self.buffer, kept).await?
        } else {
            // A server that refuses need not read all of the body first.
            let (mut reader, mut writer) = stream.split();
            let write = async {
                writer.write_all(&request.head).await?;
                writer.write_all(&request.body).await
            };
            let read = answer::read(&mut reader, &mut self.buffer, kept);
            tokio::pin!(write, read);
            tokio::select! {
                answer = &mut read => Answer { closes: true, ..answer? },
                written = &mut write => match written {
                    Ok(()) => read.await?,
                    Err(error) => read.await.map_err(|_no_answer| error)?,
                },
            }
        };
        answer.bytes += request.body.len() as u64;
        if !answer.closes {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
