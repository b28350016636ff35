//! Debian's nginx, as a cache in front of a server.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::process::Server;

/// Starts it with one worker and one more setting, in a folder of its own.
pub(crate) fn start(origin: SocketAddr, setting: &str) -> io::Result<Server> {
    let folder = tempfile::tempdir()?;
    // It cannot say which port it was given, so it is told one that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let file = folder.path().join("nginx.conf");
    fs::write(&file, config(folder.path(), address, origin, setting))?;
    let child = Command::new("nginx")
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .args(["-e", "stderr"])
        .stdin(Stdio::null())
        .spawn()?;
    let server = Server::other(address, child, folder);
    for _ in 0..200 {
        if TcpStream::connect(address).is_ok() {
            return Ok(server);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(io::Error::other("it does not listen"))
}

/// Without a log of requests, which the others do not write either.
fn config(folder: &Path, address: SocketAddr, origin: SocketAddr, setting: &str) -> String {
    let folder = folder.display();
    format!(
        r"
user root;
daemon off;
worker_processes 1;
pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    {setting}
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/temporary;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=pages:1m;
    server {{
        listen {address};
        location / {{
            proxy_pass http://{origin};
            proxy_set_header Host $host;
            proxy_cache pages;
        }}
    }}
}}
"
    )
}
