//! Posting to a web address.

use portcullis_config::{Webhook, WebhookFormat};
use ring::hmac;

use super::Message;
use crate::http_client::{self, Outgoing};

/// Posts the message; anything but 2xx is a failure.
pub(super) async fn send(settings: &Webhook, message: &Message) -> Result<(), String> {
    let body = match settings.format {
        WebhookFormat::Json => message.json(),
        WebhookFormat::Slack => message.slack(),
    }
    .to_string();
    let mut request = Outgoing::post(&settings.url, "application/json", body.clone());
    if let Some(secret) = &settings.secret {
        request = request.header(
            "x-portcullis-signature",
            &signature(secret, body.as_bytes()),
        );
    }
    let status = http_client::send(request).await?;
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("the receiver answered {}", status.as_u16()))
    }
}

/// HMAC-SHA256 in hexadecimal digits.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, body)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
