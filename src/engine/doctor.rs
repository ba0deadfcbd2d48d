//! What a new set-up gets wrong, looked for one by one. It only reads: nothing is changed at the instance, and nothing here.

use super::{
    client::Client,
    dialect::{Batch, BatchItem, keys},
    error::EngineError,
    finding::{Check, Finding},
};
use crate::{
    core::{Scan, StoreName, stored::Record},
    ports::{AuthReason, Clock, Headers, Lock, Ports, Remote, RemoteError, Store},
    wire::{Capabilities, Request, Response, datetime},
};

/// How long each question may take, in ms.
const QUESTION_MS: u64 = 20_000;
/// With more records than this on the device, comparing all ids takes long.
const MANY: u32 = 5_000;
/// Deletions are asked about from so long ago, in seconds: whether they may be read is the question, not which.
const LATELY_S: i64 = 60 * 60;

/// What is known of the instance so far.
pub(super) struct Visit {
    headers: Headers,
    pub(super) found: Vec<Finding>,
    /// An answer told how many records there are.
    counted: bool,
    /// One told that there are more, and not where: the browser shows the one header and hides the other.
    unlinked: bool,
    /// The instance's own limits, if it tells any.
    limits: Option<String>,
}

impl<P: Ports> Client<P> {
    /// Looks at what a new set-up gets wrong: the way to the instance, the user's rights, each declared table, and where the
    /// records are kept. Takes some requests, all of which only read; in mode “offline”, none. So it cannot tell what this user
    /// may write.
    ///
    /// # Errors
    /// The store's. Whatever is wrong otherwise is a finding.
    pub async fn doctor(&self) -> Result<Vec<Finding>, EngineError> {
        let mut visit =
            Visit { headers: Headers::new(), found: Vec::new(), counted: false, unlinked: false, limits: None };
        if self.course().await?.offline {
            visit.found.push(Finding::unknown(Check::Reachable, "The mode is “offline”: the instance was not asked."));
        } else if self.sign_in(&mut visit).await
            && let Some(first) = self.reach(&mut visit).await
        {
            self.look_at_extras(&mut visit).await;
            let mut answer = Some(first);
            for (table, _) in self.schema().tables() {
                let answer = match answer.take() {
                    Some(first) => Ok(first),
                    None => self.question(&mut visit, self.one_of(table)).await,
                };
                self.look_at_table(&mut visit, table, answer).await?;
            }
            self.look_at_batch(&mut visit).await;
            self.look_at_deletions(&mut visit).await?;
            visit.found.push(visit.headers_shown());
            visit.found.push(visit.rate_limits());
        }
        visit.found.push(self.storage().await);
        visit.found.push(self.locks());
        Ok(visit.found)
    }

    async fn sign_in(&self, visit: &mut Visit) -> bool {
        match self.ports().remote().authorize(AuthReason::Send).await {
            Ok(headers) => visit.headers = headers,
            Err(why) => visit.found.push(Finding::bad(
                Check::SignIn,
                why.to_string(),
                "Have `auth` give the headers of the signed-in user, and reject only while nobody is signed in; call `signedIn()` afterwards. In a service worker it has to do so without a page.",
            )),
        }
        visit.found.is_empty()
    }

    pub(super) async fn question(&self, visit: &mut Visit, mut request: Request) -> Result<Response, RemoteError> {
        request.headers.extend(visit.headers.iter().cloned());
        let answer = self.ports().remote().send(&request, QUESTION_MS).await?;
        let total = answer.header("X-Total-Count").map(|total| total.parse::<u32>().unwrap_or_default());
        visit.counted |= total.is_some();
        visit.unlinked |= total.is_some_and(|total| total > 1) && answer.next_link().is_none();
        let limit = answer.header("X-RateLimit-Limit");
        visit.limits = visit.limits.take().or_else(|| limit.map(str::to_owned));
        Ok(answer)
    }

    /// One record of a table, with the field by which it is to be found.
    fn one_of(&self, table: &str) -> Request {
        let field = self.schema().correlation_field(table);
        let fields: Vec<&str> = ["sys_id"].into_iter().chain(field.as_deref()).collect();
        self.dialect().first_page(table, "", Some(&fields), 1)
    }

    /// The first table's answer, if there is any use in asking more.
    async fn reach(&self, visit: &mut Visit) -> Option<Response> {
        let url = &self.settings().url;
        let Some((table, _)) = self.schema().tables().next() else {
            visit.found.push(Finding::unknown(Check::Reachable, "No table is declared: there is nothing to ask for."));
            return None;
        };
        let request = self.one_of(table);
        let mut answer = self.question(visit, request.clone()).await;
        // As before anything is sent: headers that have run out are asked for once more.
        if answer.as_ref().is_ok_and(|answer| self.dialect().asks_for_sign_in(answer))
            && let Ok(headers) = self.ports().remote().authorize(AuthReason::Expired).await
        {
            visit.headers = headers;
            answer = self.question(visit, request).await;
        }
        let finding = match answer {
            Err(_) if !self.ports().remote().maybe_online() => {
                Finding::unknown(Check::Reachable, "The browser says that there is no network.")
            }
            Err(why) => match self.ports().remote().answers_unread(url).await {
                Some(true) => Finding::bad(
                    Check::Cors,
                    format!("Something answers at {url}, but the browser does not let this page read it."),
                    "Serve the app from the instance's own origin, or add a CORS rule for the app's there: one for each API (Table, Batch), with the methods GET, POST, PATCH and DELETE, the headers that `auth` gives and Content-Type, and credentials if it is cookies that sign the user in.",
                ),
                _ => Finding::bad(
                    Check::Reachable,
                    format!("Nothing answers at {url}. {why}"),
                    "Is `instance.url` the root of the REST API, as in https://example.service-now.com/api/now, and is that server up? A Content-Security-Policy of the page has to allow it, too (connect-src).",
                ),
            },
            Ok(answer) if self.dialect().asks_for_sign_in(&answer) => {
                visit.found.push(Finding::good(Check::Reachable, format!("An instance answers at {url}.")));
                Finding::bad(
                    Check::SignIn,
                    format!("The instance asks to sign in ({}).", answer.status),
                    "Have `auth` give the headers that it wants; where cookies sign the user in, `instance.credentials` may have to be \"include\", and ServiceNow wants X-UserToken beside them.",
                )
            }
            Ok(answer) if self.dialect().asks_for_time(&answer, self.ports().clock().now_ms()).is_some() => {
                Finding::unknown(
                    Check::Reachable,
                    format!("The instance asks for time ({}): try again later.", answer.status),
                )
            }
            Ok(answer) if !answer.is_json() || answer.status >= 500 => Finding::bad(
                Check::Reachable,
                format!(
                    "What answers at {url} is not an instance, or not in order: status {}, {}.",
                    answer.status,
                    kind(&answer)
                ),
                "Is `instance.url` the root of the REST API? A proxy, a portal or the app's own server may answer in its place.",
            ),
            Ok(answer) => {
                visit.found.push(Finding::good(Check::Reachable, format!("An instance answers at {url}.")));
                visit.found.push(Finding::good(Check::SignIn, "The instance takes this user's requests. What the user may write was not tried: that shows with the first record that is sent."));
                return Some(answer);
            }
        };
        visit.found.push(finding);
        None
    }

    async fn look_at_extras(&self, visit: &mut Visit) {
        let Some(request) = self.dialect().capabilities() else {
            visit.found.push(Finding::good(
                Check::Extras,
                "The app says that the instance has no extras: it is taken as a plain one.",
            ));
            return;
        };
        let answer = self.question(visit, request).await.ok();
        let announced = answer.as_ref().and_then(Capabilities::announced);
        visit.found.push(match announced.map(|said| keys(&said).is_some()) {
            Some(true) => Finding::good(Check::Extras, "The instance announces that it honours Idempotency-Key."),
            Some(false) => Finding::warning(
                Check::Extras,
                "`instance.extras` is given, and what answers there announces no keys: the instance is taken as a plain one.",
                "Say `extras: false` if it has none.",
            ),
            None => Finding::bad(
                Check::Extras,
                "What the instance can do could not be read at `instance.extras`.",
                "Correct the address, or say `extras: false` if there is nothing: until it can be read, each sync begins by asking.",
            ),
        });
    }

    async fn look_at_batch(&self, visit: &mut Visit) {
        if self.settings().batch_size == Some(1) {
            visit.found.push(Finding::good(Check::Batch, "The app has each request sent by itself (`batchSize: 1`)."));
            return;
        }
        let Some((table, _)) = self.schema().tables().next() else { return };
        let within = [self.dialect().first_page(table, "", Some(&["sys_id"]), 1)];
        let answer = self.question(visit, self.dialect().batch("doctor", &within)).await;
        let advice = "Each record goes by itself, which takes a request each. Allow the Batch API (POST /api/now/v1/batch) for this user, and for the app's origin; or say `batchSize: 1`.";
        visit.found.push(match answer.map(|answer| (self.dialect().unbatch("doctor", &answer, within.len()), answer.status)) {
            Ok((Batch::Items(items), _)) if matches!(items.as_slice(), [Some(BatchItem::Ran(ran))] if ran.is_success()) => {
                Finding::good(Check::Batch, "Several requests go in one.")
            }
            Ok((Batch::Items(_), _)) => Finding::warning(Check::Batch, "The Batch API did not carry out what it was given.", advice),
            Ok((Batch::Unsupported, _)) => Finding::warning(Check::Batch, "There is no Batch API.", advice),
            Ok((_, status)) => Finding::warning(Check::Batch, format!("The Batch API answers with status {status}."), advice),
            Err(why) => Finding::warning(
                Check::Batch,
                format!(
                    "The Batch API did not answer, though others did, or the browser does not let this page read what it said: each time the app is opened, some tries fail before records go by themselves. {why}"
                ),
                "Across origins it takes a CORS rule of its own, for POST, with the headers that `auth` gives and Content-Type; or say `batchSize: 1`.",
            ),
        });
    }

    async fn look_at_deletions(&self, visit: &mut Visit) -> Result<(), EngineError> {
        let cached: Vec<&str> =
            self.schema().tables().filter(|(_, said)| said.cache.is_some()).map(|(table, _)| table).collect();
        if cached.is_empty() {
            visit.found.push(Finding::good(Check::Deletions, "No table is cached: nothing has to be noticed."));
            return Ok(());
        }
        let now = i64::try_from(self.ports().clock().now_ms() / 1000).unwrap_or_default();
        let lately = datetime::to_servicenow(now - LATELY_S).unwrap_or_default();
        let answer = self.question(visit, self.dialect().deletions(&cached, &lately, 1)).await;
        let mut here = 0;
        for table in &cached {
            let [count] = self.counts([Scan::index(StoreName::Records, Record::of_table(table))]).await?;
            here = here.max(count);
        }
        visit.found.push(match answer {
            Ok(answer) if answer.is_success() && self.dialect().page(&answer).is_ok() => {
                Finding::good(Check::Deletions, "sys_audit_delete may be read: where many records are cached, what has been deleted is found there.")
            }
            Ok(answer) if matches!(answer.status, 400..500) && here > MANY => Finding::warning(
                Check::Deletions,
                format!("sys_audit_delete may not be read: what has been deleted is found by comparing all ids where their number has changed, and of one table {here} are here."),
                "Let this user read sys_audit_delete, or cache fewer records.",
            ),
            Ok(answer) if matches!(answer.status, 400..500) => Finding::good(
                Check::Deletions,
                format!("sys_audit_delete may not be read: what has been deleted is found by number, and by comparing all ids where that has changed. For as many records as are here that is enough ({here} of one table); from some {MANY} on, let this user read it."),
            ),
            Ok(answer) => Finding::unknown(
                Check::Deletions,
                format!("Whether sys_audit_delete may be read could not be told: status {}.", answer.status),
            ),
            Err(why) => Finding::unknown(
                Check::Deletions,
                format!("Whether sys_audit_delete may be read could not be told. {why}"),
            ),
        });
        Ok(())
    }

    async fn storage(&self) -> Finding {
        let usage = self.ports().store().usage().await;
        let mb = |bytes: f64| format!("{:.0} MB", bytes / 1e6);
        let room = format!("{} of {} are taken.", mb(usage.usage_bytes), mb(usage.quota_bytes));
        match () {
            () if usage.quota_bytes > 0.0 && usage.usage_bytes > 0.9 * usage.quota_bytes => Finding::bad(
                Check::Storage,
                format!("The browser's storage for this site is almost full: {room}"),
                "Cache fewer records (`limit`, `fields`), and free room on the device: when it is full, nothing more can be saved.",
            ),
            () if !usage.persisted => Finding::warning(
                Check::Storage,
                format!(
                    "The browser has not promised to keep this site's records: it may clear them when the device runs short of room. {room}"
                ),
                "Have the app installed, or opened often: browsers promise it then. Firefox asks the user.",
            ),
            () => {
                Finding::good(Check::Storage, format!("The browser has promised to keep this site's records. {room}"))
            }
        }
    }

    fn locks(&self) -> Finding {
        if self.ports().lock().excludes() {
            return Finding::good(Check::Locks, "A tab that is killed while it sends is followed at once.");
        }
        Finding::warning(
            Check::Locks,
            "This page has no Web Locks: a tab that is killed while it sends is followed within fifty seconds.",
            "Serve the app over HTTPS: only a secure origin has them.",
        )
    }
}

impl Visit {
    fn headers_shown(&self) -> Finding {
        if self.unlinked {
            return Finding::bad(
                Check::Cors,
                "The browser does not show the header Link: a refresh may end with the first page and take that for all.",
                "Expose Link in the instance's CORS rule, with X-Total-Count, Retry-After, X-RateLimit-Reset and Date.",
            );
        }
        if self.counted {
            return Finding::good(Check::Cors, "The browser shows the headers by which pages and counts are told.");
        }
        Finding::warning(
            Check::Cors,
            "The browser shows no X-Total-Count: how many records there are is not known, and all ids are compared at each refresh.",
            "If the app is of another origin, expose Link, X-Total-Count, Retry-After, X-RateLimit-Reset and Date in the instance's CORS rule.",
        )
    }

    fn rate_limits(&self) -> Finding {
        match &self.limits {
            Some(limit) => {
                Finding::good(Check::RateLimits, format!("The instance allows this user {limit} requests in an hour."))
            }
            None => Finding::unknown(
                Check::RateLimits,
                "The instance tells of no limit to the number of requests, or the browser does not show it. When it asks for time, it gets it.",
            ),
        }
    }
}

fn kind(answer: &Response) -> String {
    match answer.header("Content-Type") {
        Some(kind) => kind.to_owned(),
        None => "of no kind".to_owned(),
    }
}
