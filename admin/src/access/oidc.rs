//! Single sign-on by OpenID Connect: authorization code with PKCE, state and nonce. The gateway sends the browser to
//! the provider, gets it back with a code, trades the code for an ID token and takes from its claims who somebody is
//! and what they may do. What has to be remembered between the two visits stands sealed in a cookie, so that any node
//! of an installation can finish what another began, and nobody fills a table by beginning.

pub mod fetch;
pub mod person;
mod seal;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthenticationFlow, AuthorizationCode, ClientId,
    ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse,
    TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

pub(crate) use self::person::Person;
use self::seal::Sealed;
use super::{Access, Refusal};
use crate::caller::Role;
use crate::problem::Problem;

/// Which provider, and what its claims mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The provider's issuer URL, below which its discovery document lies.
    pub issuer: String,
    /// What the provider knows this installation by.
    pub client_id: String,
    /// The secret that goes with it; public clients have none.
    pub client_secret: Option<Hidden>,
    /// Scopes to ask for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim with the name to show.
    pub name_claim: String,
    /// The claim that roles are read from: a text or a list, inside of others with dots between.
    pub role_claim: String,
    /// Which values of it mean which role; the highest that matches counts.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// The role of somebody whom no value matches; without one they are refused.
    pub default_role: Option<Role>,
    /// The claim that names the tenant somebody belongs to; without it they belong to none.
    pub tenant_claim: Option<String>,
    /// Certificates in PEM that are believed for the provider beside the system's.
    pub authorities: Vec<u8>,
}

/// A text that no log prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

/// The provider, once it has been asked.
#[derive(Default)]
pub(crate) struct SignOn(Mutex<Provider>);

#[derive(Default)]
struct Provider {
    metadata: Option<Arc<CoreProviderMetadata>>,
    /// When it was last asked, whatever came of it.
    asked: Option<i64>,
}

/// A browser that came back.
pub(crate) struct Return<'a> {
    /// What the provider gave it to bring.
    pub(crate) code: String,
    /// What it was sent there with.
    pub(crate) state: &'a str,
    /// The cookie it was given then.
    pub(crate) cookie: &'a str,
}

/// All claims that are not the standard's.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Others(Map<String, Value>);

impl AdditionalClaims for Others {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Others,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type Client = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

type Claims = IdTokenClaims<Others, CoreGenderClaim>;

impl Access {
    /// Where to send a browser that wants to log in, and what to put into its cookie.
    pub(crate) async fn begin_sign_on(&self) -> Result<(String, String), Refusal> {
        let settings = self.oidc()?;
        let metadata = self.provider(&settings, FRESH).await?;
        let client = self.client(&settings, &metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let scopes = settings.scopes.iter().cloned().map(Scope::new);
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        let sealed = Sealed {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            begun: self.now(),
        };
        Ok((url.to_string(), sealed.seal(&self.sign_on_key().await?)?))
    }

    /// Who a browser is that came back from the provider.
    pub(crate) async fn finish_sign_on(&self, back: Return<'_>) -> Result<Person, Refusal> {
        let settings = self.oidc()?;
        let sealed = Sealed::open(back.cookie, &self.sign_on_key().await?)
            .filter(|sealed| sealed.is_fresh(self.now()) && sealed.state == back.state)
            .ok_or_else(|| refused("this log-in was not begun in this browser, or too long ago"))?;
        let metadata = self.provider(&settings, FRESH).await?;
        let client = self.client(&settings, &metadata)?;
        let tls = fetch::tls(&settings.authorities).map_err(Problem::fault)?;
        let http = |request| fetch::fetch(request, tls.clone());
        let tokens = client
            .exchange_code(AuthorizationCode::new(back.code))
            .map_err(Problem::fault)?
            .set_pkce_verifier(PkceCodeVerifier::new(sealed.verifier))
            .request_async(&http)
            .await
            .map_err(|error| not_accepted(&error))?;
        let nonce = Nonce::new(sealed.nonce);
        let claims = match read(&client, &tokens, &nonce) {
            Ok(claims) => claims,
            // The provider may have changed its keys since it was asked for them.
            Err(_) => {
                let metadata = self.provider(&settings, AGAIN).await?;
                let client = self.client(&settings, &metadata)?;
                read(&client, &tokens, &nonce).map_err(|why| not_accepted(&Reason(why)))?
            }
        };
        let claims = serde_json::to_value(claims).map_err(Problem::fault)?;
        Person::of(&claims, &settings, &self.settings())
    }

    fn oidc(&self) -> Result<Settings, Refusal> {
        let settings = self.settings();
        let settings = settings.oidc.clone();
        settings.ok_or_else(|| Problem::not_found("single sign-on is not set up").into())
    }

    fn client(
        &self,
        settings: &Settings,
        metadata: &CoreProviderMetadata,
    ) -> Result<Client, Refusal> {
        let settings_of_all = self.settings();
        let origin = settings_of_all.public_origin.as_deref().unwrap_or_default();
        let back = RedirectUrl::new(format!("{origin}{CALLBACK}")).map_err(Problem::fault)?;
        let secret = settings.client_secret.clone();
        let client = Client::from_provider_metadata(
            metadata.clone(),
            ClientId::new(settings.client_id.clone()),
            secret.map(|secret| ClientSecret::new(secret.0)),
        );
        Ok(client.set_redirect_uri(back))
    }

    /// What the provider says of itself, asked for anew once it is older than `fresh`. Who is not answered is not
    /// asked again for a few seconds, whoever wants to log in meanwhile.
    async fn provider(
        &self,
        settings: &Settings,
        fresh: i64,
    ) -> Result<Arc<CoreProviderMetadata>, Refusal> {
        let mut provider = self.sign_on().0.lock().await;
        let age = provider.asked.map(|asked| self.now() - asked);
        match (&provider.metadata, age) {
            (Some(metadata), Some(age)) if age < fresh => return Ok(metadata.clone()),
            (None, Some(age)) if age < RETRY => return Err(silent()),
            _ => {}
        }
        provider.asked = Some(self.now());
        let tls = fetch::tls(&settings.authorities).map_err(Problem::fault)?;
        let http = |request| fetch::fetch(request, tls.clone());
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(Problem::fault)?;
        match CoreProviderMetadata::discover_async(issuer, &http).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                provider.metadata = Some(metadata.clone());
                Ok(metadata)
            }
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(
                    error,
                    issuer = settings.issuer,
                    "the provider of single sign-on cannot be asked"
                );
                // Old keys are better than none while the provider is away.
                provider.metadata.clone().ok_or_else(silent)
            }
        }
    }

    async fn sign_on_key(&self) -> Result<seal::Key, Refusal> {
        let text = self.accounts()?.settle(KEY_NAME, &seal::draw()?).await?;
        seal::key(&text)
            .ok_or_else(|| Problem::fault("the key of single sign-on cannot be read").into())
    }
}

/// Verifies the ID token: signature by the provider's keys, issuer, audience, times, nonce, and that it belongs to
/// the access token.
fn read(client: &Client, tokens: &Tokens, nonce: &Nonce) -> Result<Claims, String> {
    let id_token = tokens.id_token().ok_or("there is no ID token")?;
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
    let claims = id_token
        .claims(&verifier, nonce)
        .map_err(|error| chain(&error))?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = id_token.signing_alg().map_err(|error| chain(&error))?;
        let key = id_token
            .signing_key(&verifier)
            .map_err(|error| chain(&error))?;
        let found = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
            .map_err(|error| chain(&error))?;
        if found != *expected {
            return Err("the access token is another's".to_owned());
        }
    }
    Ok(claims.clone())
}

impl SignOn {
    /// Forgets the provider: it may be another one now.
    pub(crate) fn forget(&self) {
        // Who holds the lock is asking the old one; its answer is at most an hour old and refused by its issuer.
        if let Ok(mut provider) = self.0.try_lock() {
            *provider = Provider::default();
        }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Reason(String);

fn refused(words: &str) -> Refusal {
    Refusal::forbidden(words.to_owned())
}

fn silent() -> Refusal {
    Refusal::from(Problem::unavailable(
        "the provider of single sign-on does not answer; the gateway's log says why",
    ))
    .retry(Duration::from_secs(5))
}

/// What the provider said or signed was not good enough; the log says why, the browser does not learn it.
fn not_accepted(error: &dyn std::error::Error) -> Refusal {
    let error = chain(error);
    tracing::warn!(
        error,
        "single sign-on: the provider's answer is not accepted"
    );
    Refusal::new(
        StatusCode::FORBIDDEN,
        "the provider's answer is not accepted; the gateway's log says why",
    )
}

/// An error and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/api/v1/oidc/callback";
/// How long what the provider says of itself is believed, in milliseconds.
const FRESH: i64 = 3_600_000;
/// The same where a signature did not verify.
const AGAIN: i64 = 60_000;
/// How long a provider that did not answer is left alone, in milliseconds.
const RETRY: i64 = 5_000;
const KEY_NAME: &str = "access.sign-on-key";
/// Algorithms with a public key. A token that is signed with the client's secret, or not at all, proves nothing here.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

#[cfg(test)]
mod tests;
