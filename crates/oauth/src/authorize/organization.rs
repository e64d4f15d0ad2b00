//! The user is signed in and the request leaves open in which organization: theirs to choose, where there is a choice.

use axum::response::Response;
use chancery_core::interaction::Progress;
use chancery_core::oauth::AuthorizeError;
use chancery_web::Failure;

use super::flight::Flight;

impl Flight<'_> {
    /// Shows the page with the user's organizations. Whoever has one and needs one is not asked, nor is who has none: they go
    /// on as individuals, or are refused where the application takes no individuals.
    pub(super) async fn choose_organization(self) -> Result<Response, Failure> {
        let Some((session, user)) = &self.session else {
            return Err(Failure::server("choosing an organization without a session"));
        };
        let choices = self.ctx.organizations_to_choose(&user.user_id, &session.connection).await?;
        let takes_individuals = self.client.serves_individuals();
        match choices.as_slice() {
            [] if !takes_individuals => {
                let subject = self.ctx.subject_for(&self.client, &user.user_id);
                let text = format!("user {subject} is not part of any organization");
                self.refuse(&AuthorizeError::new("access_denied", text)).await
            }
            [] => self.again(|progress| progress.as_individual = true).await,
            [only] if !takes_individuals => {
                self.again(|progress| progress.organization = Some(only.id.clone())).await
            }
            _ => self.pause("/u/organization-picker", None).await,
        }
    }

    /// From the beginning, with the choice made.
    async fn again(self, choose: impl FnOnce(&mut Progress)) -> Result<Response, Failure> {
        let Self { ctx, headers, mut transaction, stored, .. } = self;
        choose(&mut transaction.progress);
        match Box::pin(Flight::load(ctx, headers, transaction, stored)).await? {
            Some(flight) => Box::pin(flight.go_on()).await,
            None => Ok(crate::pages::expired(ctx, headers)),
        }
    }
}
