//! Mail over SMTP.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use portcullis_config::Email;

use super::Message;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends the message to everybody named, in one mail.
pub(super) async fn send(settings: &Email, message: &Message) -> Result<(), String> {
    let mail = mail(settings, message)?;
    let mut transport = transport(&settings.server)?;
    if let (Some(name), Some(password)) = (&settings.username, &settings.password) {
        transport = transport.credentials(Credentials::new(name.clone(), password.clone()));
    }
    match transport.build().send(mail).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the mail server refused: {error}")),
    }
}

fn mail(settings: &Email, message: &Message) -> Result<Mail, String> {
    let mailbox = |text: &String| {
        text.parse::<Mailbox>()
            .map_err(|error| format!("`{text}` is no mail address: {error}"))
    };
    let mut mail = Mail::builder()
        .from(mailbox(&settings.from)?)
        .subject(message.subject())
        .header(ContentType::TEXT_PLAIN);
    for to in &settings.to {
        mail = mail.to(mailbox(to)?);
    }
    mail.body(message.text())
        .map_err(|error| format!("the mail cannot be written: {error}"))
}

fn transport(server: &str) -> Result<lettre::transport::smtp::AsyncSmtpTransportBuilder, String> {
    let (scheme, address) = server.split_once("://").ok_or("the server has no scheme")?;
    let (host, port) = match address.trim_end_matches('/').rsplit_once(':') {
        Some((host, port)) => (
            host,
            Some(port.parse().map_err(|_| "the server's port is no number")?),
        ),
        None => (address, None),
    };
    let wrong = |error| format!("the mail server's name cannot be used: {error}");
    let builder = match scheme {
        "smtps" => Transport::relay(host).map_err(wrong)?,
        "smtp" => Transport::starttls_relay(host).map_err(wrong)?,
        _ => Transport::builder_dangerous(host),
    };
    Ok(match port {
        Some(port) => builder.port(port),
        None => builder,
    })
}
