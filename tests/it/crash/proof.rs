//! Everything in a journal, asked of a server that was started again.

use super::{
    dice::Dice,
    journal::{Chain, Journal, Standing},
    person::{Landing, Person, Step},
    tenant::{Ask, Tenant},
    wire::{Answer, Call, Wire},
};

/// Asks, and is strict. What ends other things (a second use of a code or token revokes all that came from it) comes last.
pub(super) struct Proof<'a> {
    tenant: &'a Tenant,
    jane: &'a Person,
    wire: Wire,
}

impl<'a> Proof<'a> {
    pub(super) fn new(tenant: &'a Tenant, jane: &'a Person) -> Self {
        Self { tenant, jane, wire: tenant.wire(true) }
    }

    pub(super) async fn hold(&mut self, journal: Journal, dice: &mut Dice) {
        self.management(&journal).await;
        self.sessions(&journal).await;
        for (_, token) in &journal.spent_codes {
            assert_eq!(self.userinfo(token).await, 200, "an acknowledged access token is lost");
        }
        for mut chain in journal.chains {
            self.chain(&mut chain, dice).await;
        }
        for code in &journal.live_codes {
            let answer = self.tenant.exchange(&mut self.wire, code).await.unwrap();
            assert_eq!(answer.status, 200, "an acknowledged code is lost: {answer:?}");
            self.is_spent(code).await;
        }
        for code in &journal.unknown_codes {
            // Redeemed or not: the client cannot know. Twice it is not.
            let answer = self.tenant.exchange(&mut self.wire, code).await.unwrap();
            assert!(answer.status == 200 || is_refused(&answer), "{answer:?}");
            self.is_spent(code).await;
        }
        for (code, token) in &journal.spent_codes {
            self.is_spent(code).await;
            assert_eq!(self.userinfo(token).await, 401, "a code used twice ends what it brought");
        }
    }

    async fn management(&mut self, journal: &Journal) {
        for (id, name) in &journal.roles {
            let role = self.read(&format!("/api/v2/roles/{id}")).await;
            assert_eq!(role.expect(200).text("name"), *name);
        }
        for id in &journal.deleted_roles {
            self.read(&format!("/api/v2/roles/{id}")).await.expect(404);
        }
        for user in &journal.users {
            let id = user.id.replace('|', "%7C");
            let found = self.read(&format!("/api/v2/users/{id}")).await;
            assert_eq!(found.expect(200).text("email"), user.email);
            if let Some(role) = &user.role {
                let roles = self.read(&format!("/api/v2/users/{id}/roles")).await.expect(200);
                assert!(
                    roles.body.contains(role.as_str()),
                    "an acknowledged role of a user is lost: {roles:?}"
                );
            }
        }
        if let Some(user) = journal.users.last() {
            self.tenant.password(&mut self.wire, &user.email, &user.password).await.unwrap().expect(200);
        }
    }

    async fn sessions(&mut self, journal: &Journal) {
        for person in &journal.sessions {
            let landing = self.silently(person, &self.tenant.authorize(Ask::Silently)).await;
            assert!(landing.code.is_some(), "an acknowledged session is lost: {landing:?}");
        }
        for client_id in &journal.consents {
            let place = self.tenant.authorize_for(client_id, Ask::DemoSilently);
            let landing = self.silently(self.jane, &place).await;
            assert!(landing.code.is_some(), "an acknowledged consent is lost: {landing:?}");
        }
    }

    /// Good tokens work, spent ones do not, and trying one of these ends the good one.
    async fn chain(&mut self, chain: &mut Chain, dice: &mut Dice) {
        let answer = self.tenant.refresh(&mut self.wire, &chain.latest).await.unwrap();
        match chain.standing {
            Standing::Good => {
                assert_eq!(answer.status, 200, "an acknowledged refresh token is lost: {answer:?}");
            }
            Standing::Unknown => assert!(answer.status == 200 || is_refused(&answer), "{answer:?}"),
            Standing::Revoked => assert!(is_refused(&answer), "a revoked token is back: {answer:?}"),
        }
        if answer.status == 200 {
            let next = answer.text("refresh_token");
            chain.spent.push(std::mem::replace(&mut chain.latest, next));
        }
        // Whichever is first is refused for itself, the others for the end of the chain as well.
        if !chain.spent.is_empty() {
            let first = dice.roll(chain.spent.len());
            chain.spent.swap(0, first);
        }
        for token in chain.spent.iter().chain([&chain.latest]) {
            let answer = self.tenant.refresh(&mut self.wire, token).await.unwrap();
            assert!(is_refused(&answer), "a spent refresh token works again: {answer:?}");
        }
        self.is_spent(&chain.code).await;
    }

    async fn is_spent(&mut self, code: &str) {
        let answer = self.tenant.exchange(&mut self.wire, code).await.unwrap();
        assert!(is_refused(&answer), "a spent code works again: {answer:?}");
    }

    async fn userinfo(&mut self, token: &str) -> u16 {
        self.wire.send(&Call::get("/userinfo").bearer(token)).await.unwrap().status
    }

    async fn silently(&self, person: &Person, place: &str) -> Landing {
        match self.tenant.person(person).open(place).await.unwrap() {
            Step::Landed(landing) => landing,
            step => panic!("not silent: {step:?}"),
        }
    }

    async fn read(&mut self, path: &str) -> Answer {
        self.wire.send(&Call::get(path).bearer(&self.tenant.bearer)).await.unwrap()
    }
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == 403 && answer.json()["error"] == "invalid_grant"
}
