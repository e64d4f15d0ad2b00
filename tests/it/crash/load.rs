//! Many clients at once, each writing down what it was told.

use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use super::{
    dice::Dice,
    journal::{Chain, Journal, Standing, User},
    person::{Person, Step},
    tenant::{Ask, CALLBACK, REALM, Tenant, api},
    wire::{Answer, Call, Lost, Wire},
};

/// A running load.
pub(super) struct Load {
    workers: JoinSet<(Journal, Lost)>,
    acknowledged: UnboundedReceiver<()>,
}

impl Load {
    /// Starts clients of every kind; `names` keeps what they create apart from earlier loads.
    pub(super) fn start(tenant: &Tenant, jane: &Person, names: &str, dice: &mut Dice) -> Self {
        let (acks, acknowledged) = unbounded_channel();
        let mut workers = JoinSet::new();
        for (number, (kind, keeps)) in KINDS.into_iter().enumerate() {
            let worker = Worker {
                tenant: tenant.clone(),
                wire: tenant.wire(keeps),
                jane: tenant.person(jane),
                keeps,
                journal: Journal::default(),
                acks: acks.clone(),
                dice: Dice::new(dice.roll(usize::MAX) as u64),
                name: format!("{names}-{number}"),
                counter: 0,
            };
            workers.spawn(worker.run(kind));
        }
        Self { workers, acknowledged }
    }

    /// Waits until so many answers arrived.
    pub(super) async fn acknowledged(&mut self, answers: usize) {
        for _ in 0..answers {
            tokio::select! {
                ack = self.acknowledged.recv() => ack.unwrap(),
                ended = self.workers.join_next() => match ended.unwrap() {
                    Ok((_, lost)) => panic!("a client ended early: {lost:?}"),
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
            }
        }
    }

    /// What all know when the server is gone, and how each lost it.
    pub(super) async fn end(self) -> (Journal, Vec<Lost>) {
        let (mut journal, mut losses) = (Journal::default(), Vec::new());
        for (part, lost) in self.workers.join_all().await {
            journal.absorb(part);
            losses.push(lost);
        }
        (journal, losses)
    }
}

/// And whether their connections are kept.
const KINDS: [(Kind, bool); 9] = [
    (Kind::Codes, true),
    (Kind::Codes, false),
    (Kind::Chains, true),
    (Kind::Chains, true),
    (Kind::Chains, false),
    (Kind::Consents, true),
    (Kind::Roles, true),
    (Kind::Users, true),
    (Kind::SignIns, false),
];

#[derive(Clone, Copy)]
enum Kind {
    Codes,
    Chains,
    Consents,
    Roles,
    Users,
    SignIns,
}

struct Worker {
    tenant: Tenant,
    wire: Wire,
    jane: Person,
    keeps: bool,
    journal: Journal,
    acks: UnboundedSender<()>,
    dice: Dice,
    name: String,
    counter: usize,
}

impl Worker {
    async fn run(mut self, kind: Kind) -> (Journal, Lost) {
        loop {
            let done = match kind {
                Kind::Codes => self.code_and_token().await,
                Kind::Chains => self.chain().await,
                Kind::Consents => self.new_consent().await,
                Kind::Roles => self.new_role().await.map(drop),
                Kind::Users => self.new_user().await,
                Kind::SignIns => self.new_session().await,
            };
            if let Err(lost) = done {
                return (self.journal, lost);
            }
        }
    }

    /// A code, usually redeemed.
    async fn code_and_token(&mut self) -> Result<(), Lost> {
        let code = self.code(Ask::Opaque).await?;
        if self.dice.roll(4) == 0 {
            self.journal.live_codes.push(code);
            return Ok(());
        }
        let answer = self.redeem(&code).await?;
        self.journal.spent_codes.push((code, answer.text("access_token")));
        Ok(())
    }

    /// A refresh token, exchanged a few times, sometimes revoked in the end. For an API of its own: using a spent token
    /// ends everything of that user, application and API, which would hide how other chains stand.
    async fn chain(&mut self) -> Result<(), Lost> {
        let identifier = format!("https://crash.example/{}", self.next_name());
        self.manage("/api/v2/resource-servers", &api(&identifier), 201).await?;
        let code = self.code(Ask::Offline(&identifier)).await?;
        let first = self.redeem(&code).await?.text("refresh_token");
        self.journal.chains.push(Chain { code, spent: Vec::new(), latest: first, standing: Standing::Good });
        let chain = self.journal.chains.last_mut().unwrap();
        for _ in 0..=self.dice.roll(5) {
            let answer = self.tenant.refresh(&mut self.wire, &chain.latest).await;
            let answer = answer.inspect_err(|lost| chain.standing = standing_after(*lost))?.expect(200);
            let next = answer.text("refresh_token");
            chain.spent.push(std::mem::replace(&mut chain.latest, next));
            self.acks.send(()).unwrap();
        }
        if self.dice.roll(4) == 0 {
            let answer = self.tenant.revoke(&mut self.wire, &chain.latest).await;
            answer.inspect_err(|lost| chain.standing = standing_after(*lost))?.expect(200);
            chain.standing = Standing::Revoked;
            self.acks.send(()).unwrap();
        }
        Ok(())
    }

    /// A new application, to which Jane consents.
    async fn new_consent(&mut self) -> Result<(), Lost> {
        let name = self.next_name();
        let client = json!({
            "name": name, "app_type": "regular_web", "callbacks": [CALLBACK], "grant_types": ["authorization_code"],
        });
        let client_id = self.manage("/api/v2/clients", &client, 201).await?.text("client_id");
        let asked = self.jane.open(&self.tenant.authorize_for(&client_id, Ask::Demo)).await?;
        let Step::Consent(state) = asked else { panic!("no consent is asked for: {asked:?}") };
        self.jane.consent(&state).await?;
        self.acks.send(()).unwrap();
        self.journal.consents.push(client_id);
        Ok(())
    }

    /// A role; every third goes again.
    async fn new_role(&mut self) -> Result<String, Lost> {
        let name = self.next_name();
        let role = json!({ "name": name, "description": "Made under load" });
        let id = self.manage("/api/v2/roles", &role, 200).await?.text("id");
        self.journal.roles.push((id.clone(), name));
        if self.dice.roll(3) == 0 {
            self.journal.roles.pop();
            let call = Call::delete(&format!("/api/v2/roles/{id}")).bearer(&self.tenant.bearer);
            self.wire.send(&call).await?.expect(200);
            self.journal.deleted_roles.push(id.clone());
            self.acks.send(()).unwrap();
        }
        Ok(id)
    }

    /// A user who is given a role.
    async fn new_user(&mut self) -> Result<(), Lost> {
        let name = self.next_name();
        let role = json!({ "name": name, "description": "Made under load" });
        let role = self.manage("/api/v2/roles", &role, 200).await?.text("id");
        let (email, password) = (format!("{name}@crash.example"), "Stays-4-Ever".to_owned());
        let user = json!({ "connection": REALM, "email": email, "password": password });
        let id = self.manage("/api/v2/users", &user, 201).await?.text("user_id");
        let path = format!("/api/v2/users/{}/roles", id.replace('|', "%7C"));
        self.journal.users.push(User { id, email, password, role: None });
        self.manage(&path, &json!({ "roles": [role] }), 204).await?;
        self.journal.users.last_mut().unwrap().role = Some(role);
        Ok(())
    }

    /// Jane signs in with another browser.
    async fn new_session(&mut self) -> Result<(), Lost> {
        let mut person = self.tenant.stranger(self.keeps);
        let asked = person.open(&self.tenant.authorize(Ask::Opaque)).await?;
        let Step::Login(state) = asked else { panic!("no login is asked for: {asked:?}") };
        person.log_in(&state, &self.tenant.jane).await?;
        self.acks.send(()).unwrap();
        self.journal.sessions.push(person);
        Ok(())
    }

    /// Jane is signed in and gets a code without a page.
    async fn code(&mut self, ask: Ask<'_>) -> Result<String, Lost> {
        let step = self.jane.open(&self.tenant.authorize(ask)).await?;
        self.acks.send(()).unwrap();
        match step {
            Step::Landed(landing) => Ok(landing.code.unwrap_or_else(|| panic!("{:?}", landing.error))),
            step => panic!("no code: {step:?}"),
        }
    }

    async fn redeem(&mut self, code: &str) -> Result<Answer, Lost> {
        let answer = self.tenant.exchange(&mut self.wire, code).await.inspect_err(|lost| {
            let codes = match lost {
                Lost::Unsent => &mut self.journal.live_codes,
                Lost::Unanswered { .. } => &mut self.journal.unknown_codes,
            };
            codes.push(code.to_owned());
        });
        let answer = answer?.expect(200);
        self.acks.send(()).unwrap();
        Ok(answer)
    }

    async fn manage(&mut self, path: &str, body: &Value, status: u16) -> Result<Answer, Lost> {
        let call = Call::json("POST", path, body).bearer(&self.tenant.bearer);
        let answer = self.wire.send(&call).await?.expect(status);
        self.acks.send(()).unwrap();
        Ok(answer)
    }

    fn next_name(&mut self) -> String {
        self.counter += 1;
        format!("load-{}-{}", self.name, self.counter)
    }
}

/// Of the token that was to be presented.
fn standing_after(lost: Lost) -> Standing {
    match lost {
        Lost::Unsent => Standing::Good,
        Lost::Unanswered { .. } => Standing::Unknown,
    }
}
