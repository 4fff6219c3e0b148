//! A QUIC server that sends back what it gets, and a client that checks what comes back.
//!
//!     chbind-quic serve CERTIFICATE KEY ADDRESS
//!     chbind-quic ask CERTIFICATE LOCAL SERVER BYTES
//!
//! Both files are DER. The implementation is quinn's, as it comes: on Linux it sends many packets by one sendmsg
//! (UDP_SEGMENT), receives many by one recvmmsg (UDP_GRO), and a server on a wildcard learns from IP_PKTINFO where a
//! packet came to, and says by it where the answer comes from.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::rustls::RootCertStore;
use quinn::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use quinn::{ClientConfig, Connection, Endpoint, ServerConfig, TransportConfig};

type Outcome = Result<(), Box<dyn Error>>;

/// The name in the certificate.
const NAME: &str = "chbind.test";

/// How long a client waits for a server that says nothing, on a machine that has nothing else to do: the tests say how much
/// else it has (tests/src/patience.rs).
const PATIENCE: Duration = Duration::from_secs(3);

fn patience() -> Duration {
    let burden = std::env::var("BURDEN").ok().and_then(|burden| burden.parse().ok());
    PATIENCE * burden.unwrap_or(1)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", certificate, key, address] => serve(certificate, key, address.parse()?).await,
        ["ask", certificate, local, server, bytes] => {
            ask(certificate, local.parse()?, server.parse()?, bytes.parse()?).await
        }
        _ => Err("usage: chbind-quic serve CERTIFICATE KEY ADDRESS | ask CERTIFICATE LOCAL SERVER BYTES".into()),
    }
}

/// Writes a line at once: the test reads it while we run.
fn tell(line: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// An address as a person writes it: a v4-mapped one is the IPv4 address.
fn plain(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

async fn serve(certificate: &str, key: &str, address: SocketAddr) -> Outcome {
    let certificate = CertificateDer::from(std::fs::read(certificate)?);
    let key = PrivateKeyDer::try_from(std::fs::read(key)?)?;
    let endpoint = Endpoint::server(ServerConfig::with_single_cert(vec![certificate], key)?, address)?;
    tell(&format!("serving {}", endpoint.local_addr()?))?;
    while let Some(incoming) = endpoint.accept().await {
        let at = incoming.local_ip().map_or_else(|| "?".to_owned(), plain);
        let connection = incoming.await?;
        tell(&format!("from {} at {at}", plain(connection.remote_address().ip())))?;
        // A client that goes away is the end of its connection, not of the server.
        tokio::spawn(async move { while echo(&connection).await.is_ok() {} });
    }
    Ok(())
}

/// Sends back one stream.
async fn echo(connection: &Connection) -> Outcome {
    let (mut send, mut receive) = connection.accept_bi().await?;
    while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
        send.write_chunk(chunk.bytes).await?;
    }
    Ok(send.finish()?)
}

async fn ask(certificate: &str, local: SocketAddr, server: SocketAddr, bytes: usize) -> Outcome {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(std::fs::read(certificate)?))?;
    let mut endpoint = Endpoint::client(local)?;
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(Some(patience().try_into()?));
    let mut config = ClientConfig::with_root_certificates(Arc::new(roots))?;
    config.transport_config(Arc::new(transport));
    endpoint.set_default_client_config(config);
    let connection = endpoint.connect(server, NAME)?.await?;
    let (mut send, mut receive) = connection.open_bi().await?;
    // No two packets hold the same bytes: one that is lost, doubled or misplaced would show.
    let sent: Vec<u8> = (0..bytes).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect();
    let copy = sent.clone();
    let writer = tokio::spawn(async move {
        send.write_all(&copy).await.map_err(|error| error.to_string())?;
        send.finish().map_err(|error| error.to_string())
    });
    let received = receive.read_to_end(bytes).await?;
    writer.await??;
    let stats = connection.stats();
    connection.close(0u32.into(), b"done");
    endpoint.wait_idle().await;
    if received != sent {
        return Err("what came back is not what was sent".into());
    }
    let (packets, calls) = (stats.udp_tx.datagrams, stats.udp_tx.ios);
    tell(&format!("ok={bytes} packets={packets} calls={calls}"))
}
