//! Every request is looked at when it leaves, and every answer when it comes.

use std::collections::{BTreeMap, BTreeSet};

use landfall::{
    core::{
        ids,
        stored::{Item, ItemKind, ItemState, Part, Record},
    },
    ports::RemoteError,
    wire::{
        Fields, Method, Request, Response,
        batch::BatchResponse,
        decode,
        table::{Answer, Row},
    },
};

use super::{
    doing::Doing,
    instance::{ROOT, split},
    network::{is_batch, key_of, singles},
    online::{At, Deed, is_action, plan_asked_for},
    story::UID,
    world::World,
};

/// What must not be sent twice, and whether it is known what became of it.
#[derive(Default)]
pub struct Watch {
    /// By the record's own number, or the entry's text.
    doubts: BTreeMap<String, Doubt>,
    /// More than one row was seen for these temporary ids.
    pub seen_twins: BTreeSet<String>,
    /// Ids that were asked for, and the instance said that it gives none of them.
    pub untold: BTreeSet<String>,
}

#[derive(Default)]
struct Doubt {
    open: bool,
    keys: BTreeSet<String>,
}

pub fn body_of(request: &Request) -> Fields {
    let row = request.body.as_deref().and_then(|body| decode::<Row>("body", body).ok());
    row.map(Fields::from).unwrap_or_default()
}

/// Table and `sys_id`.
pub fn place(request: &Request) -> (String, Option<String>) {
    let (path, _) = split(&request.path);
    let mut parts = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix("/table/")).unwrap_or("").split('/');
    (parts.next().unwrap_or_default().to_owned(), parts.next().map(str::to_owned))
}

/// By what it would be recognised, if it must not be carried out twice.
fn once_only(request: &Request, body: &Fields) -> Option<String> {
    match request.method {
        Method::Post if is_action(request) => plan_asked_for(request).map(|plan| plan.run),
        Method::Post => body.get(UID).cloned(),
        Method::Patch => body.get("work_notes").filter(|text| !text.is_empty()).cloned(),
        _ => None,
    }
}

impl World {
    /// Gives how long the device takes these to be under way already, in ms.
    pub fn watch_departure(&self, parts: &[Request], stale: bool) -> u64 {
        let mirror = self.mirror.borrow();
        let mut for_ms = 0;
        for part in parts.iter().filter(|part| part.method != Method::Get) {
            let body = body_of(part);
            let (_, sys_id) = place(part);
            let acts = self.acts(part);
            let is = |item: &&Item| match item.kind {
                ItemKind::Create => part.method == Method::Post && item.fields.get(UID) == body.get(UID),
                ItemKind::Update => {
                    part.method == Method::Patch && sys_id.as_ref() == Some(&item.sys_id) && item.fields == body
                }
                ItemKind::Delete => part.method == Method::Delete && sys_id.as_ref() == Some(&item.sys_id),
                ItemKind::Action => acts.as_ref().is_some_and(|(acts, _)| acts.id == item.id),
            };
            let marked: Vec<&Item> =
                mirror.items.values().filter(is).filter(|item| item.state == ItemState::Unknown).collect();
            // One of an action is never sent again for having been under way too long.
            let since = marked
                .iter()
                .filter(|item| item.action.is_none())
                .filter_map(|item| item.left_at)
                .map(|at| self.device_now().saturating_sub(at));
            for_ms = since.max().unwrap_or_default().max(for_ms);
            for item in marked.iter().filter(|_| !stale) {
                self.watch_order(&mirror, item);
            }
            // One that has come along as another's, and that nobody knows to be this, has not.
            let is_known = |id: &str| mirror.aliases.values().any(|alias| alias.sys_id.as_deref() == Some(id));
            let landed = |record: &&Record| {
                let is_this = part.method == Method::Post && record.fields.get(UID) == body.get(UID);
                is_this && !record.is_temporary() && is_known(&record.sys_id)
            };
            if let Some((item, Some(call))) = acts.as_ref().filter(|_| !stale) {
                self.watch_call(item, *call, part);
            }
            // A call that is in doubt may have been carried out, and a pull have brought what it has made.
            if let Some(record) = mirror.records.values().find(landed).filter(|_| !stale && acts.is_none()) {
                self.broke(14, &format!("{} {} has landed, and is made again", record.table, record.sys_id));
            }
            // Who was frozen after its claim claims anew. Where the clock was set back meanwhile it cannot know, and sends
            // what another, or the user's hand, has dealt with since.
            if stale && !self.set_back.get() {
                self.broke(12, &format!("{} {} leaves under a lease that is lost", part.method.as_str(), part.path));
            }
            if marked.is_empty() && !stale {
                self.broke(4, &format!("{} {} leaves and is not marked as sent", part.method.as_str(), part.path));
            }
            let Some(once) = once_only(part, &body) else { continue };
            if self.is_bare(part) && (stale || self.setup.repeats) {
                self.may_twin(part);
            }
            let mut watch = self.watch.borrow_mut();
            let doubt = watch.doubts.entry(once.clone()).or_default();
            let known = self.setup.knows_keys(is_action(part));
            let repeats = known && key_of(part).is_some_and(|key| doubt.keys.contains(key));
            if doubt.open && !repeats && !stale {
                self.broke(4, &format!("{once} is sent again, and nobody has asked what became of it"));
            }
            // Of what a sender that was frozen has sent nobody can know who sends now.
            doubt.open |= !stale;
            if let Some(key) = key_of(part) {
                doubt.keys.insert(key.to_owned());
            }
        }
        for_ms
    }

    /// Nobody can rule out that this one is carried out, and so is another in its place.
    pub fn may_twin(&self, part: &Request) {
        let body = body_of(part);
        let Some(once) = once_only(part, &body) else { return };
        let (_, sys_id) = place(part);
        let mut model = self.model.borrow_mut();
        if let Some(run) = model.runs.iter_mut().find(|run| run.once_only().any(|own| *own == once)) {
            run.may_repeat.insert(once);
            return;
        }
        // It may have gone from the device meanwhile.
        let number = match &sys_id {
            Some(sys_id) => model.find(sys_id),
            None => model.records.iter().position(|record| record.uid.as_ref() == Some(&once)),
        };
        if let Some(number) = number {
            model.records[number].may_twin = true;
        }
    }

    /// What is to go again without having been asked about goes on the user's word. Who has not looked has a twin on
    /// their own account.
    pub fn by_hand(&self, doing: &Doing, item: &Item, before: &Item) {
        if before.state != ItemState::Unknown {
            return;
        }
        let mut watch = self.watch.borrow_mut();
        for name in [UID, "work_notes"] {
            if let Some(doubt) = item.fields.get(name).and_then(|once| watch.doubts.get_mut(once)) {
                doubt.open = false;
            }
        }
        for once in Self::once_only_of(item) {
            if let Some(doubt) = watch.doubts.get_mut(&once) {
                doubt.open = false;
            }
        }
        if item.action.is_some() {
            return self.call_by_hand(doing, before);
        }
        let mut model = self.model.borrow_mut();
        if let Some(number) = model.of_item(item).filter(|_| doing.unknowing) {
            model.records[number].doubt = true;
            model.records[number].may_twin = true;
        }
    }

    /// The ids, as the device has them, of the records with something unsent that a request is about.
    pub fn records_of(&self, part: &Request) -> Vec<String> {
        let body = body_of(part);
        if let Some((item, call)) = self.acts(part) {
            let (_, sys_id) = place(part);
            let about = |part: &&Part| match &sys_id {
                _ if call.is_none() => true,
                Some(sys_id) => part.id() == sys_id,
                None => part.fields.get(UID) == body.get(UID),
            };
            let parts = item.action.iter().flat_map(|action| &action.parts).filter(about);
            return parts.map(|part| part.id().to_owned()).collect();
        }
        let mirror = self.mirror.borrow();
        match part.method {
            Method::Post => {
                let made = |item: &&Item| item.kind == ItemKind::Create && item.fields.get(UID) == body.get(UID);
                mirror.items.values().filter(made).map(|item| item.sys_id.clone()).collect()
            }
            Method::Get => {
                let ids = mirror.items.values().flat_map(Item::records).map(|(_, id)| (id, id));
                // A step asks for what it has made by the temporary id, whatever has landed since.
                let parts = mirror.items.values().flat_map(|item| &item.action).flat_map(|action| &action.parts);
                let ids = ids.chain(parts.map(|part| (part.sys_id.as_str(), part.id())));
                ids.filter(|(asked, _)| part.path.contains(*asked)).map(|(_, id)| id.to_owned()).collect()
            }
            _ => place(part).1.into_iter().collect(),
        }
    }

    /// `served`: when the instance gave it, in ms.
    pub fn watch_answer(&self, request: &Request, answer: &Result<Response, RemoteError>, served: u64) {
        let parts = singles(request);
        let each: Vec<Option<Response>> = match answer {
            Err(_) => parts.iter().map(|_| None).collect(),
            Ok(response) if is_batch(request) => in_batch(response, parts.len()),
            Ok(response) => vec![Some(response.clone())],
        };
        for (part, response) in parts.iter().zip(&each) {
            self.count_try(part, response.as_ref());
            self.note_read(part, response.as_ref(), served);
            if let Some(response) = response {
                self.resolve_doubt(part, response);
                self.note_untold(part, response);
            }
        }
    }

    /// What an action has touched is read once: an instance that does not let it be read will not another time.
    fn note_untold(&self, part: &Request, response: &Response) {
        let refused = matches!(response.status, 400..500) && !matches!(response.status, 401 | 408 | 429);
        let (_, parameters) = split(&part.path);
        let query = parameters.get("sysparm_query").filter(|_| refused && part.method == Method::Get);
        if let Some(ids) = query.and_then(|query| query.strip_prefix("sys_idIN")) {
            self.watch.borrow_mut().untold.extend(ids.split(',').map(str::to_owned));
        }
    }

    /// Anything but a word about signing in counts as an attempt.
    fn count_try(&self, part: &Request, response: Option<&Response>) {
        let signs_in = |response: &Response| {
            matches!(response.status, 300..=399 | 401) || (response.redirected_to.is_some() && !response.is_json())
        };
        if response.is_some_and(signs_in) {
            return;
        }
        if let Some((item, _)) = self.acts(part) {
            self.mirror.borrow_mut().tried.insert(item.id);
            return;
        }
        let records = self.records_of(part);
        let mut mirror = self.mirror.borrow_mut();
        // A step asks what became of its calls, too.
        let is_about = |item: &Item| match part.method {
            Method::Get => item.records().iter().any(|(_, id)| records.iter().any(|about| about == id)),
            _ => records.contains(&item.sys_id),
        };
        let met = |item: &&Item| is_about(item) && (part.method != Method::Post || item.kind == ItemKind::Create);
        let met: Vec<String> = mirror.items.values().filter(met).map(|item| item.id.clone()).collect();
        mirror.tried.extend(met);
    }

    fn resolve_doubt(&self, part: &Request, response: &Response) {
        let mut watch = self.watch.borrow_mut();
        if part.method != Method::Get {
            let once = once_only(part, &body_of(part));
            let definite = match response.status {
                204 => true,
                200..300 if is_action(part) => response.is_json(),
                200..300 => response.is_json() && decode::<Answer<Row>>("answer", &response.body).is_ok(),
                408 | 500.. => false,
                401 | 429 | 300..=399 => true,
                409 if response.header("Retry-After").is_some() => false,
                _ => response.is_json(),
            } || (response.redirected_to.is_some() && !response.is_json());
            if let Some(doubt) = once.filter(|_| definite).and_then(|once| watch.doubts.get_mut(&once)) {
                doubt.open = false;
            }
            return;
        }
        let Ok(found) = decode::<Answer<Vec<Row>>>("answer", &response.body) else { return };
        let rows: Vec<Fields> = found.result.into_iter().map(Fields::from).collect();
        let (table, _) = place(part);
        let model = self.model.borrow();
        if table == "sys_journal_field" {
            let is_asked = |id: &str| part.path.contains(&*model.plain(id));
            let written = model.records.iter().filter(|record| is_asked(&record.id)).flat_map(|record| &record.entries);
            let deeds = model.runs.iter().flat_map(|run| &run.plan.deeds);
            let noted = deeds.filter(|deed| matches!(&deed.at, At::There(_, id) if is_asked(id)));
            let noted = noted.filter_map(Deed::note);
            for text in written.map(|entry| &entry.value).chain(noted) {
                if let Some(doubt) = watch.doubts.get_mut(text) {
                    doubt.open = false;
                }
            }
            return;
        }
        for id in ids::find(&part.path) {
            let carrying = rows.iter().filter(|row| row.get("correlation_id").is_some_and(|of| of == id)).count();
            if carrying > 1 {
                watch.seen_twins.insert(id.to_owned());
            }
            let uid = model.find(id).and_then(|number| model.records[number].uid.clone());
            if let Some(doubt) = uid.and_then(|uid| watch.doubts.get_mut(&uid)) {
                doubt.open = false;
            }
        }
    }
}

fn in_batch(response: &Response, count: usize) -> Vec<Option<Response>> {
    let mut sorted = vec![None; count];
    if !response.is_success() {
        return vec![Some(response.clone()); count];
    }
    let Ok(batch) = decode::<BatchResponse>("batch", &response.body) else {
        // Nobody can tell anything from it, unless it is a page to sign in.
        return vec![response.redirected_to.is_some().then(|| response.clone()); count];
    };
    for id in &batch.unserviced_requests {
        if let Some(place) = id.parse::<usize>().ok().and_then(|at| sorted.get_mut(at)) {
            *place = Some(Response { status: 429, ..Response::default() });
        }
    }
    for served in &batch.serviced_requests {
        if let Some(place) = served.id.parse::<usize>().ok().and_then(|at| sorted.get_mut(at)) {
            *place = served.unpack().ok();
        }
    }
    sorted
}
