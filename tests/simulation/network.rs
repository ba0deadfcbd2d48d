//! The line between the device and the instance. A request that has left is on its way, whatever becomes of who sent
//! it; so is its answer.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    task::{Poll, Waker},
};

use futures_util::future::{Either, select};
use landfall::{
    core::retry::EXCHANGE_MS,
    ports::{AuthReason, AuthUnavailable, Clock, Headers, Remote, RemoteError},
    testing::yield_now,
    wire::{Method, Request, Response, batch::BatchRequest, decode},
};

use super::{
    answers::{self, Came},
    conflicts::Sent,
    instance::{ROOT, Single},
    mortal::Dead,
    online::is_action,
    tampered,
    trouble::OnRequest,
    world::World,
};

pub const SESSION: &str = "X-Session";

/// Where a sender waits for its answer.
#[derive(Default)]
struct Slot {
    answer: RefCell<Option<Result<Response, RemoteError>>>,
    waker: RefCell<Option<Waker>>,
    /// Nobody waits any more.
    gone: Cell<bool>,
}

enum Leg {
    Out,
    Back(Result<Response, RemoteError>),
}

struct Packet {
    number: u64,
    by: usize,
    request: Request,
    fault: Option<OnRequest>,
    leg: Leg,
    due: u64,
    /// Until when the device reckons with it.
    until: u64,
    sent: Sent,
    /// When the instance answered it.
    served: u64,
    /// Under which lease.
    lease: u64,
    /// A repetition, or sent by who had lost the lease: it may bring about what nobody foresees.
    late: bool,
    slot: Rc<Slot>,
}

#[derive(Default)]
pub struct Network {
    packets: Vec<Packet>,
    pub armed: Vec<OnRequest>,
    /// And for what has to do with an action that stands there.
    pub aimed: Vec<(&'static str, OnRequest)>,
    pub cut: bool,
    /// The session the device has, and whether it gets another without the user.
    pub session: u32,
    pub renewable: bool,
    next: u64,
    pub requests: u64,
    /// Of these, or within these: what would change something.
    pub changes: u64,
}

/// One context's way to the instance.
pub struct SimRemote {
    pub world: Rc<World>,
    pub by: usize,
    pub dead: Dead,
}

impl Remote for SimRemote {
    async fn send(&self, request: &Request, timeout_ms: u64) -> Result<Response, RemoteError> {
        // Nothing comes between the engine's last look at the clock and this: a browser sends in the same step.
        if self.dead.get() {
            return Err(unreachable());
        }
        let tampered = tampered::request(&self.world, request);
        let request = tampered.as_ref().unwrap_or(request);
        let waiting = Waiting(self.world.depart(self.by, request));
        let answer = pin!(std::future::poll_fn(|context| match waiting.0.answer.borrow_mut().take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                waiting.0.waker.replace(Some(context.waker().clone()));
                Poll::Pending
            }
        }));
        let patience = pin!(self.world.clock.sleep(timeout_ms));
        match self.dead.or(select(answer, patience)).await {
            None => Err(unreachable()),
            Some(Either::Left((answer, _))) => answer,
            Some(Either::Right(_)) => {
                let answer = Err(RemoteError::TimedOut(timeout_ms / 1000));
                self.world.watch_answer(request, &answer, 0);
                answer
            }
        }
    }

    async fn authorize(&self, reason: AuthReason) -> Result<Headers, AuthUnavailable> {
        yield_now().await;
        // A person signs in, or not.
        if reason == AuthReason::Expired && self.world.below(2) == 0 {
            self.dead.or(pin!(self.world.clock.sleep(90_000))).await;
        }
        let now = self.world.instance.borrow().session;
        let mut network = self.world.network.borrow_mut();
        if reason == AuthReason::Expired && network.session != now {
            if !network.renewable {
                return Err(AuthUnavailable("the session is over".to_owned()));
            }
            network.session = now;
        }
        Ok(vec![(SESSION.to_owned(), network.session.to_string())])
    }

    fn maybe_online(&self) -> bool {
        !self.world.network.borrow().cut
    }
}

/// Dropped when the sender gives up, or is killed.
struct Waiting(Rc<Slot>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.gone.set(true);
    }
}

pub fn is_batch(request: &Request) -> bool {
    request.path.strip_prefix(ROOT) == Some("/v1/batch")
}

/// The requests for single records in it.
pub fn singles(request: &Request) -> Vec<Request> {
    if !is_batch(request) {
        return vec![request.clone()];
    }
    let batch = decode::<BatchRequest>("batch", request.body.as_deref().unwrap_or_default());
    batch.map(|batch| batch.rest_requests.iter().filter_map(|item| item.unpack().ok()).collect()).unwrap_or_default()
}

pub fn key_of(request: &Request) -> Option<&str> {
    request.headers.iter().find(|(name, _)| name == "Idempotency-Key").map(|(_, key)| key.as_str())
}

impl World {
    fn depart(&self, by: usize, request: &Request) -> Rc<Slot> {
        let slot = Rc::new(Slot::default());
        let now = self.elapsed.get();
        let parts = singles(request);
        let stale = self.mirror.borrow().owner != Some(by);
        let lease = self.mirror.borrow().lease.number;
        let sent = Sent { at: now, stamp: self.stamp(), by, life: self.contexts.borrow()[by].life };
        let until = (now + EXCHANGE_MS).saturating_sub(self.watch_departure(&parts, stale));
        // Under a key, and where nothing is changed, it may come twice and late.
        let bare = parts.iter().any(|part| self.is_bare(part));
        let mut network = self.network.borrow_mut();
        network.requests += 1;
        network.changes += parts.iter().filter(|part| part.method != Method::Get).count() as u64;
        let applies = |fault: &OnRequest| answers::applies(fault, request, parts.len());
        let meets =
            |(state, fault): &(&'static str, OnRequest)| applies(fault) && self.some_action_is_met(&parts, state);
        let fault = match network.aimed.iter().position(meets) {
            _ if network.cut => None,
            Some(at) => Some(network.aimed.remove(at).1),
            None => {
                let place = network.armed.iter().position(applies);
                place.map(|at| network.armed.remove(at))
            }
        };
        if let Some(fault) = &fault {
            self.tell(|| format!("      … and that request meets this: {fault:?}"));
            self.strikes_request(answers::name(fault), &parts);
        }
        self.tell(|| format!("      ({by}) sends {}", parts.iter().map(brief).collect::<Vec<_>>().join(" | ")));
        let delay = if let Some(OnRequest::Delayed { ms }) = fault { ms } else { 0 };
        if let Some(OnRequest::Repeated { ms }) = fault
            && (!bare || self.setup.repeats)
        {
            let number = network.number();
            let copy = Rc::new(Slot::default());
            copy.gone.set(true);
            let request = request.clone();
            network.packets.push(Packet {
                number,
                by,
                request,
                fault: None,
                leg: Leg::Out,
                due: now + ms,
                // Nobody knows of it.
                until: 0,
                sent,
                served: 0,
                lease,
                late: true,
                slot: copy,
            });
        }
        let leg = if network.cut { Leg::Back(Err(unreachable())) } else { Leg::Out };
        let number = network.number();
        let slot_here = Rc::clone(&slot);
        network.packets.push(Packet {
            number,
            by,
            request: request.clone(),
            fault,
            leg,
            due: now + delay,
            until,
            sent,
            served: 0,
            lease,
            late: stale,
            slot: slot_here,
        });
        slot
    }

    /// What is on its way and may arrive now.
    pub fn arrivals(&self) -> Vec<u64> {
        let now = self.elapsed.get();
        self.network.borrow().packets.iter().filter(|packet| packet.due <= now).map(|packet| packet.number).collect()
    }

    pub fn is_quiet(&self) -> bool {
        self.network.borrow().packets.is_empty()
    }

    pub fn next_arrival(&self) -> Option<u64> {
        let now = self.elapsed.get();
        self.network.borrow().packets.iter().map(|packet| packet.due.saturating_sub(now)).min()
    }

    /// A request without a key whose sender has given up arrives as long as a sender would wait for its answer, or
    /// never, unless this world has requests that arrive later: nobody could tell a later one from none.
    pub fn decide_abandoned(&self, coin: bool) {
        let now = self.elapsed.get();
        let mut bare = Vec::new();
        self.network.borrow_mut().packets.retain_mut(|packet| {
            let abandoned = packet.slot.gone.get() && matches!(packet.leg, Leg::Out) && !packet.late;
            if !abandoned {
                return !(packet.slot.gone.get() && matches!(packet.leg, Leg::Back(_)));
            }
            if self.setup.repeats || !singles(&packet.request).iter().any(|part| self.is_bare(part)) {
                packet.late = true;
                return true;
            }
            if coin && now < packet.until {
                packet.late = true;
                packet.due = packet.due.clamp(now, packet.until - 1);
                return true;
            }
            let (overdue, superseded) = (now >= packet.until, self.is_superseded(packet));
            bare.push((packet.request.clone(), packet.fault.take(), overdue, superseded, packet.sent));
            false
        });
        for (request, fault, overdue, superseded, sent) in bare.into_iter().filter(|_| coin) {
            self.may_all_twin(&request, overdue && superseded);
            self.carry_out(&request, fault.as_ref(), false, overdue, sent);
        }
    }

    /// Another may have sent it again.
    fn is_superseded(&self, packet: &Packet) -> bool {
        self.mirror.borrow().lease.number != packet.lease
    }

    fn may_all_twin(&self, request: &Request, may: bool) {
        if may {
            singles(request).iter().filter(|part| self.is_bare(part)).for_each(|part| self.may_twin(part));
        }
    }

    /// Whether the instance would carry it out twice.
    pub fn is_bare(&self, part: &Request) -> bool {
        part.method != Method::Get && (!self.setup.knows_keys(is_action(part)) || key_of(part).is_none())
    }

    /// By a clock that was set forward what is under way has been so for too long.
    pub fn lose_count(&self) {
        for packet in &mut self.network.borrow_mut().packets {
            packet.until = 0;
        }
    }

    /// A request reaches the instance, or an answer the device.
    pub fn arrive(&self, number: u64) {
        let taken = {
            let mut network = self.network.borrow_mut();
            let place = network.packets.iter().position(|packet| packet.number == number);
            place.map(|place| network.packets.remove(place))
        };
        let Some(mut packet) = taken else { return };
        match packet.leg {
            Leg::Out => {
                // When nobody waits for it any more, as far as the device's clock tells.
                let overdue = self.elapsed.get() >= packet.until;
                self.may_all_twin(&packet.request, overdue && self.is_superseded(&packet));
                let came = self.carry_out(&packet.request, packet.fault.as_ref(), packet.late, overdue, packet.sent);
                packet.served = self.elapsed.get();
                let answer = match came {
                    Came::Answer(response) => Ok(tampered::answer(self, &packet.request, response)),
                    Came::Broken => Err(unreachable()),
                    Came::Silence => return,
                };
                if let Some(OnRequest::AnswerDelayed { ms }) = packet.fault {
                    packet.due = self.elapsed.get() + ms;
                }
                packet.leg = Leg::Back(answer);
                self.network.borrow_mut().packets.push(packet);
            }
            Leg::Back(answer) => {
                if packet.slot.gone.get() {
                    return;
                }
                self.tell(|| format!("      ({}) is answered {}", packet.by, answers::brief(&answer)));
                self.watch_answer(&packet.request, &answer, packet.served);
                if answer.as_ref().is_ok_and(Response::is_success) && packet.request.path.ends_with("/capabilities") {
                    self.note_announced(packet.by);
                }
                packet.slot.answer.replace(Some(answer));
                if let Some(waker) = packet.slot.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    fn carry_out(&self, request: &Request, fault: Option<&OnRequest>, late: bool, overdue: bool, sent: Sent) -> Came {
        let mut instance = self.instance.borrow_mut();
        instance.now = self.elapsed.get();
        let seconds = self.elapsed.get() / 1000;
        let single = Single { request, late, overdue, seconds };
        {
            self.tell(|| {
                format!(
                    "      {}arrives: {}",
                    if late { "late, " } else { "" },
                    singles(request).iter().map(brief).collect::<Vec<_>>().join(" | ")
                )
            });
        }
        let session = request.headers.iter().find(|(name, _)| name == SESSION).map(|(_, session)| session.as_str());
        let signed_in = session == Some(instance.session.to_string().as_str());
        let came = answers::carry_out(&mut instance, &single, fault, signed_in, self.now_at_instance());
        drop(instance);
        self.judge_gone_over(sent);
        came
    }
}

impl Network {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

fn unreachable() -> RemoteError {
    RemoteError::Unreachable("the line is cut".to_owned())
}

fn brief(request: &Request) -> String {
    let path = request.path.split("sysparm_exclude").next().unwrap_or_default();
    let body = request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let key = key_of(request).map(|key| format!(" key {}", short(key))).unwrap_or_default();
    let only_at = request.headers.iter().find(|(name, _)| name == "If-Match").map(|(_, at)| format!(" at {at}"));
    format!("{} {}{key}{} {body}", request.method.as_str(), path.trim_start_matches(ROOT), only_at.unwrap_or_default())
}

pub fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}
