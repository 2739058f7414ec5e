//! Tokens: a [`Principal`] as text that only the holder of the secret can have made.
//!
//! A token is a JSON Web Token (RFC 7519) under the advice of RFC 8725:
//!
//! * One algorithm, HS256, whatever the token's header says; `none` and all others are refused.
//! * Nothing in the header selects a key: `kid`, `jku`, `jwk` and `x5u` are not read. A header that demands
//!   extensions (`crit`) is refused.
//! * `iss`, `aud`, `sub`, `role`, `iat`, `exp` and `jti` are required; `workspace` and `worker` as the role
//!   needs them; `nbf` is honoured. Times are whole seconds, as numbers.
//! * `exp` is exact. [`LEEWAY_SECONDS`] apply only to `iat` and `nbf`, for issuers whose clock is ahead.
//!
//! Other programs may make tokens, if they are given the secret.

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use quick_cache::sync::Cache;
use routing::ids::{WorkerId, WorkspaceId};
use routing::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, Grant, ImpossibleGrant, Principal, Role};

/// RFC 7518, section 3.2: an HS256 secret has at least the size of the hash.
pub const SECRET_BYTES_MIN: usize = 32;

/// How far the clock of a token's maker may be ahead of ours.
pub const LEEWAY_SECONDS: u32 = 30;

/// Ours have some 500. The limit bounds what a stranger can make the server parse.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// Verified tokens that are remembered: more than one for each Worker of a large Workspace.
const VERIFIED_MAX: usize = 32_768;

/// Who made the token, and whom it is for. Both are this program.
const ISSUER: &str = "switchyard";
const AUDIENCE: &str = "switchyard";
const TYPE: &str = "JWT";

/// The secret, ready to sign and verify. One per process, shared by reference.
pub struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// Tokens whose signature and claims were found right, so that a busy caller does not pay for both with
    /// every request. Expiry is asked of each hit; all else that was true of a token stays true. Only
    /// verified tokens are in here, so that strangers cannot push others out.
    verified: Cache<Box<str>, Principal>,
}

impl Keys {
    /// Keys for a secret of at least [`SECRET_BYTES_MIN`] bytes.
    pub fn from_secret(secret: &[u8]) -> Result<Keys, SecretTooShort> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(SecretTooShort { bytes: secret.len() });
        }

        // The library's checks of claims read the wall clock and let some malformed claims pass, so they are
        // off; `Claims::check` is the whole list.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;

        Ok(Keys {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            verified: Cache::new(VERIFIED_MAX),
        })
    }

    /// The token that says what `principal` says. Times are cut to whole seconds, so it never lives longer.
    #[must_use]
    pub fn sign(&self, principal: &Principal, issued_at: Timestamp) -> String {
        let Principal { grant, subject, expires_at, token_id } = principal;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject.clone(),
            role: grant.role(),
            workspace: grant.workspace(),
            worker: grant.worker(),
            iat: issued_at.0.div_euclid(1000),
            nbf: None,
            exp: expires_at.0.div_euclid(1000),
            jti: token_id.clone(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .expect("claims are strings and numbers, and the key was made for this algorithm")
    }

    /// Who the bearer of `token` is at `now`. `now` does not go back between calls.
    pub fn authenticate(&self, token: &str, now: Timestamp) -> Result<Principal, Error> {
        if token.is_empty() {
            return Err(Error::Missing);
        }

        let principal = match self.verified.get(token) {
            Some(principal) => principal,
            None => {
                let principal = self.verify(token, now).map_err(Error::Invalid)?;
                if now < principal.expires_at {
                    self.verified.insert(token.into(), principal.clone());
                }
                principal
            }
        };

        if now < principal.expires_at {
            Ok(principal)
        } else {
            self.verified.remove(token);
            Err(Error::Expired)
        }
    }

    /// Everything but the expiry.
    fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Reason> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Reason::TooLong { bytes: token.len() });
        }

        let header = jsonwebtoken::decode_header(token).map_err(|_| Reason::Header)?;
        if header.alg != Algorithm::HS256 {
            return Err(Reason::Algorithm);
        }
        if header.crit.is_some() {
            return Err(Reason::Critical);
        }
        // RFC 7515, section 4.1.9: a media type, so without regard to case.
        if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)) {
            return Err(Reason::Type);
        }

        match jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation) {
            Ok(token) => token.claims.check(now),
            // The header was readable, so these are claims with a right signature, and it is safe to quote
            // them in the log.
            Err(error) => match error.kind() {
                ErrorKind::Json(error) => Err(Reason::Claims(error.to_string())),
                _ => Err(Reason::Signature),
            },
        }
    }
}

/// Without the secret.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The payload of a token, in the order in which it is written.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace: Option<WorkspaceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    worker: Option<WorkerId>,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
    jti: String,
}

impl Claims {
    fn check(self, now: Timestamp) -> Result<Principal, Reason> {
        let Claims { iss, aud, sub, role, workspace, worker, iat, nbf, exp, jti } = self;
        let latest_start_at = now.plus_seconds(LEEWAY_SECONDS);

        if iss != ISSUER {
            return Err(Reason::Issuer);
        }
        if aud != AUDIENCE {
            return Err(Reason::Audience);
        }
        if sub.is_empty() {
            return Err(Reason::Empty("sub"));
        }
        if jti.is_empty() {
            return Err(Reason::Empty("jti"));
        }
        if instant(iat) > latest_start_at {
            return Err(Reason::IssuedInTheFuture);
        }
        if nbf.is_some_and(|nbf| instant(nbf) > latest_start_at) {
            return Err(Reason::NotYetValid);
        }

        let grant = Grant::of(role, workspace, worker)?;
        Ok(Principal { grant, subject: sub, expires_at: instant(exp), token_id: jti })
    }
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}

/// A secret that could be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the secret has {bytes} bytes; HS256 needs at least {SECRET_BYTES_MIN}")]
pub struct SecretTooShort {
    /// What it has.
    pub bytes: usize,
}

/// Why a token is not valid: for the log, never for the client. Nothing that a stranger wrote is quoted here;
/// only [`Reason::Claims`] quotes, and those were signed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    /// More than [`TOKEN_BYTES_MAX`].
    #[error("it has {bytes} bytes, more than {TOKEN_BYTES_MAX}")]
    TooLong {
        /// What it has.
        bytes: usize,
    },
    /// Not three parts, not base64url, not a JSON object, or an algorithm that nobody knows, such as `none`.
    #[error("its header cannot be read or names an unknown algorithm")]
    Header,
    /// A known algorithm, but not ours.
    #[error("its algorithm is not HS256")]
    Algorithm,
    /// `crit`: the token must be refused by whoever does not know the extension, and we know none.
    #[error("it demands extensions")]
    Critical,
    /// `typ`.
    #[error("its type is not {TYPE}")]
    Type,
    /// Signed with another secret, or changed since.
    #[error("its signature does not match this server's signing key")]
    Signature,
    /// A claim is missing, or not of its type. The signature was right.
    #[error("its claims are malformed: {0}")]
    Claims(String),
    /// `iss`.
    #[error("its issuer is not {ISSUER}")]
    Issuer,
    /// `aud`.
    #[error("its audience is not {AUDIENCE}")]
    Audience,
    /// A claim that must say something says nothing.
    #[error("its claim {0} is empty")]
    Empty(&'static str),
    /// `iat`, by more than [`LEEWAY_SECONDS`].
    #[error("it was issued in the future")]
    IssuedInTheFuture,
    /// `nbf`, by more than [`LEEWAY_SECONDS`].
    #[error("it is not valid yet")]
    NotYetValid,
    /// `role`, `workspace` and `worker` do not go together.
    #[error(transparent)]
    Grant(#[from] ImpossibleGrant),
}

#[cfg(test)]
mod tests {
    use super::*;
    use routing::ids::{Id, TaskId, WorkspaceTag};
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp(1_767_607_800_000);
    const NOW_SECONDS: i64 = NOW.0 / 1000;
    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
    const TAG: WorkspaceTag = WorkspaceTag(0xDEAD_BEEF);

    fn keys() -> Keys {
        Keys::from_secret(SECRET).unwrap()
    }

    fn workspace() -> WorkspaceId {
        WorkspaceId::minted(NOW, 1, TAG)
    }

    fn worker() -> WorkerId {
        WorkerId::minted(NOW, 2, TAG)
    }

    fn principal(grant: Grant) -> Principal {
        Principal {
            grant,
            subject: "anna".to_owned(),
            expires_at: NOW.plus_seconds(60),
            token_id: "t1".to_owned(),
        }
    }

    fn header() -> Value {
        json!({ "typ": "JWT", "alg": "HS256" })
    }

    fn claims() -> Value {
        json!({
            "iss": "switchyard", "aud": "switchyard", "sub": "anna", "role": "worker",
            "workspace": workspace(), "worker": worker(),
            "iat": NOW_SECONDS, "exp": NOW_SECONDS + 60, "jti": "t1",
        })
    }

    /// `changes` over `base`, as in a JSON merge patch: null removes.
    fn with(mut base: Value, changes: Value) -> Value {
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => base.as_object_mut().unwrap().shift_remove(name),
                value => base.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        base
    }

    /// A token of any header and payload, with a right HS256 signature.
    fn forge(header: &Value, payload: &str) -> String {
        let message =
            format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(payload.as_bytes()));
        let key = EncodingKey::from_secret(SECRET);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    fn base64url(bytes: &[u8]) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk.iter().fold(0_u32, |bits, &byte| (bits << 8) | u32::from(byte))
                << (8 * (3 - chunk.len()));
            for i in 0..=chunk.len() {
                text.push(char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]));
            }
        }
        text
    }

    fn refused(token: &str) -> Reason {
        match keys().authenticate(token, NOW) {
            Err(Error::Invalid(reason)) => reason,
            other => panic!("{other:?} for {token}"),
        }
    }

    #[test]
    fn every_grant_comes_back_from_its_token() {
        for grant in [
            Grant::Admin { workspace: None },
            Grant::Admin { workspace: Some(workspace()) },
            Grant::Supervisor { workspace: workspace() },
            Grant::Reporter { workspace: workspace() },
            Grant::Worker { workspace: workspace(), worker: worker() },
        ] {
            let principal = principal(grant);
            let token = keys().sign(&principal, NOW);
            assert_eq!(keys().authenticate(&token, NOW), Ok(principal));
        }
    }

    #[test]
    fn our_tokens_carry_the_documented_claims_and_no_others() {
        let token = keys().sign(&principal(Grant::Worker { workspace: workspace(), worker: worker() }), NOW);
        assert_eq!(token, forge(&header(), &claims().to_string()));
    }

    #[test]
    fn a_token_of_another_maker_may_say_more_and_leave_out_what_is_optional() {
        for (header, claims) in [
            (header(), with(claims(), json!({ "role": "admin", "workspace": null, "worker": null }))),
            (with(header(), json!({ "typ": "jwt" })), claims()),
            (with(header(), json!({ "kid": "../../etc/passwd", "jku": "http://127.0.0.1/keys" })), claims()),
            (header(), with(claims(), json!({ "email": "anna@example.com", "roles": ["admin"] }))),
            (header(), with(claims(), json!({ "nbf": NOW_SECONDS }))),
        ] {
            let token = forge(&header, &claims.to_string());
            assert!(keys().authenticate(&token, NOW).is_ok(), "{header} {claims}");
        }
    }

    #[test]
    fn a_header_that_is_not_ours_is_refused() {
        for (changes, reason) in [
            (json!({ "alg": "none" }), Reason::Header),
            (json!({ "alg": "None" }), Reason::Header),
            (json!({ "alg": "hs256" }), Reason::Header),
            (json!({ "alg": "" }), Reason::Header),
            (json!({ "alg": 256 }), Reason::Header),
            (json!({ "alg": null }), Reason::Header),
            (json!({ "alg": "HS512" }), Reason::Algorithm),
            (json!({ "alg": "RS256" }), Reason::Algorithm),
            (json!({ "alg": "ES256" }), Reason::Algorithm),
            (json!({ "crit": ["b64"], "b64": false }), Reason::Critical),
            (json!({ "crit": ["exp"] }), Reason::Critical),
            (json!({ "crit": [] }), Reason::Critical),
            (json!({ "crit": "exp" }), Reason::Header),
            (json!({ "typ": null }), Reason::Type),
            (json!({ "typ": "at+jwt" }), Reason::Type),
            (json!({ "typ": 1 }), Reason::Header),
        ] {
            let token = forge(&with(header(), changes.clone()), &claims().to_string());
            assert_eq!(refused(&token), reason, "{changes}");
        }
    }

    #[test]
    fn claims_that_are_not_ours_are_refused() {
        let foreign = WorkerId::minted(NOW, 2, WorkspaceTag(1));
        let task = TaskId::minted(NOW, 2, TAG);
        for (changes, reason) in [
            (json!({ "iss": "someone" }), Reason::Issuer),
            (json!({ "aud": "another" }), Reason::Audience),
            (json!({ "sub": "" }), Reason::Empty("sub")),
            (json!({ "jti": "" }), Reason::Empty("jti")),
            (json!({ "iat": NOW_SECONDS + 31 }), Reason::IssuedInTheFuture),
            (json!({ "iat": i64::MAX }), Reason::IssuedInTheFuture),
            (json!({ "nbf": NOW_SECONDS + 31 }), Reason::NotYetValid),
            (json!({ "worker": null }), ImpossibleGrant::WorkerMissing.into()),
            (json!({ "workspace": null }), ImpossibleGrant::WorkspaceMissing(Role::Worker).into()),
            (json!({ "worker": foreign }), ImpossibleGrant::WorkerOfAnotherWorkspace.into()),
            (json!({ "role": "admin" }), ImpossibleGrant::WorkerNamed(Role::Admin).into()),
            (json!({ "role": "supervisor" }), ImpossibleGrant::WorkerNamed(Role::Supervisor).into()),
            (
                json!({ "role": "supervisor", "worker": null, "workspace": null }),
                ImpossibleGrant::WorkspaceMissing(Role::Supervisor).into(),
            ),
            (
                json!({ "role": "reporter", "worker": null, "workspace": null }),
                ImpossibleGrant::WorkspaceMissing(Role::Reporter).into(),
            ),
        ] {
            let token = forge(&header(), &with(claims(), changes.clone()).to_string());
            assert_eq!(refused(&token), reason, "{changes}");
        }

        for changes in [
            // Missing.
            json!({ "iss": null }),
            json!({ "aud": null }),
            json!({ "sub": null }),
            json!({ "role": null }),
            json!({ "iat": null }),
            json!({ "exp": null }),
            json!({ "jti": null }),
            // Of the wrong type: above all a string where a number should be.
            json!({ "exp": (NOW_SECONDS + 60).to_string() }),
            json!({ "exp": true }),
            json!({ "exp": [NOW_SECONDS + 60] }),
            json!({ "exp": 1e300 }),
            json!({ "exp": u64::MAX }),
            json!({ "iat": NOW_SECONDS.to_string() }),
            json!({ "nbf": NOW_SECONDS.to_string() }),
            json!({ "iss": ["switchyard"] }),
            json!({ "aud": ["switchyard", "another"] }),
            json!({ "sub": 7 }),
            json!({ "jti": 7 }),
            json!({ "role": "root" }),
            json!({ "role": "Admin" }),
            json!({ "role": ["admin"] }),
            // Ids of the wrong kind.
            json!({ "worker": task }),
            json!({ "worker": workspace() }),
            json!({ "worker": worker().to_string().to_uppercase() }),
            json!({ "workspace": worker() }),
            json!({ "workspace": "" }),
            json!({ "workspace": 1 }),
        ] {
            let token = forge(&header(), &with(claims(), changes.clone()).to_string());
            assert!(matches!(refused(&token), Reason::Claims(_)), "{changes}");
        }
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused() {
        let twice = claims().to_string().replacen('{', r#"{"role":"admin","#, 1);
        assert_eq!(
            refused(&forge(&header(), &twice)),
            Reason::Claims("duplicate field `role` at line 1 column 73".to_owned())
        );
    }

    #[test]
    fn text_that_is_not_a_token_is_refused() {
        let token = keys().sign(&principal(Grant::Admin { workspace: None }), NOW);
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("{token}")
        };
        let stolen = keys().sign(&principal(Grant::Reporter { workspace: workspace() }), NOW);
        let stolen = stolen.rsplit('.').next().unwrap();
        let foreign = Keys::from_secret(b"another secret of enough bytes!!").unwrap();

        for (text, reason) in [
            ("x", Reason::Header),
            ("..", Reason::Header),
            (payload, Reason::Header),
            (&format!("{header}.{payload}"), Reason::Header),
            (&format!("{token}.{signature}"), Reason::Header),
            (&format!("{token}="), Reason::Signature),
            (&format!("{token} "), Reason::Signature),
            (&format!("{header}.{payload}."), Reason::Signature),
            (&format!("{header}.{payload}.{stolen}"), Reason::Signature),
            (&format!("{header}.{payload}.{}", &signature[1..]), Reason::Signature),
            (&foreign.sign(&principal(Grant::Admin { workspace: None }), NOW), Reason::Signature),
        ] {
            assert_eq!(refused(text), reason, "{text}");
        }
        for payload in ["", "null", "[]", "\"switchyard\"", "{", "\u{feff}{}"] {
            assert!(matches!(refused(&forge(&self::header(), payload)), Reason::Claims(_)), "{payload}");
        }

        assert_eq!(keys().authenticate("", NOW), Err(Error::Missing));
    }

    #[test]
    fn a_token_has_a_limit_of_size_even_if_it_is_ours() {
        let mut principal = principal(Grant::Admin { workspace: None });
        principal.subject = "a".repeat(TOKEN_BYTES_MAX);
        let token = keys().sign(&principal, NOW);
        assert_eq!(refused(&token), Reason::TooLong { bytes: token.len() });
    }

    #[test]
    fn a_token_ends_on_the_millisecond_and_is_forgotten() {
        let keys = keys();
        let token = keys.sign(&principal(Grant::Admin { workspace: None }), NOW);
        let last = Timestamp(NOW.0 + 59_999);

        // Once as a stranger, once as an acquaintance.
        for n_remembered in [1, 1] {
            assert!(keys.authenticate(&token, last).is_ok());
            assert_eq!(keys.verified.len(), n_remembered);
        }
        for _ in 0..2 {
            assert_eq!(keys.authenticate(&token, Timestamp(last.0 + 1)), Err(Error::Expired));
            assert_eq!(keys.verified.len(), 0);
        }
    }

    #[test]
    fn an_expired_token_is_called_expired_only_if_it_was_signed() {
        let expired = with(claims(), json!({ "exp": NOW_SECONDS }));
        let token = forge(&header(), &expired.to_string());
        assert_eq!(keys().authenticate(&token, NOW), Err(Error::Expired));
        assert_eq!(refused(&token[..token.len() - 1]), Reason::Signature);

        let ancient = forge(&header(), &with(claims(), json!({ "exp": i64::MIN })).to_string());
        assert_eq!(keys().authenticate(&ancient, NOW), Err(Error::Expired));
    }

    #[test]
    fn a_clock_that_is_a_little_ahead_is_forgiven() {
        let early = with(claims(), json!({ "iat": NOW_SECONDS + 30, "nbf": NOW_SECONDS + 30 }));
        assert!(keys().authenticate(&forge(&header(), &early.to_string()), NOW).is_ok());
    }

    #[test]
    fn refused_tokens_are_not_remembered() {
        let keys = keys();
        for i in 0..100 {
            let token = forge(&header(), &with(claims(), json!({ "iss": i.to_string() })).to_string());
            assert!(keys.authenticate(&token, NOW).is_err());
        }
        assert_eq!(keys.verified.len(), 0);
    }

    #[test]
    fn a_client_does_not_hear_the_reason() {
        let error = keys().authenticate("x.y.z", NOW).unwrap_err();
        assert_eq!(error.to_string(), "the token is not valid");
        let reason = std::error::Error::source(&error).unwrap();
        assert_eq!(reason.to_string(), "its header cannot be read or names an unknown algorithm");
    }

    #[test]
    fn a_short_secret_is_refused_and_no_secret_is_printed() {
        assert_eq!(Keys::from_secret(&SECRET[1..]).unwrap_err(), SecretTooShort { bytes: 31 });
        assert_eq!(format!("{:?}", keys()), "Keys { .. }");
    }
}
