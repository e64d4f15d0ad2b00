//! Which organization somebody signs in to: by its name, or one of their own.

use askama::Template;

use super::{
    Form, Frame, Link, Problem,
    field::{Field, FieldName, focus_first},
    html, initial, problem,
};
use crate::Texts;

/// The page that asks for the name, before the login. The field is `organization`; the action `skip` goes on without one.
#[derive(Clone, Debug)]
pub struct NameOrganization {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name.
    pub client_name: String,
    /// What was entered before.
    pub organization: String,
    /// Why the page comes back.
    pub problems: Vec<Problem>,
    /// Whether somebody may go on without an organization.
    pub may_skip: bool,
}

/// The page with the organizations of whoever is logged in. Each is a button `organization` with its id; the action `skip`
/// goes on without one.
#[derive(Clone, Debug)]
pub struct ChooseOrganization {
    /// The tenant.
    pub frame: Frame,
    /// Where it posts.
    pub form: Form,
    /// The application's name.
    pub client_name: String,
    /// Who is logged in.
    pub account: String,
    /// Where "Not you?" leads.
    pub not_you: Option<Link>,
    /// What there is to choose from.
    pub choices: Vec<OrganizationChoice>,
    /// Whether somebody may go on without an organization.
    pub may_skip: bool,
}

/// One organization to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationChoice {
    /// `org_...`
    pub id: String,
    /// Its name for people.
    pub title: String,
}

#[derive(Template)]
#[template(path = "organization_name.html")]
struct NameOrganizationPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a NameOrganization,
    form: &'a Form,
    alert: Option<String>,
    organization: Field<'a>,
}

#[derive(Template)]
#[template(path = "organization_picker.html")]
struct ChooseOrganizationPage<'a> {
    t: &'a Texts,
    frame: &'a Frame,
    view: &'a ChooseOrganization,
    form: &'a Form,
    account_initial: String,
}

impl OrganizationChoice {
    fn initial(&self) -> String {
        initial(&self.title)
    }
}

impl NameOrganization {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        let label = texts.say("label.organization");
        let mut organization = Field::text(FieldName::Organization, label, &self.organization)
            .filled_with("organization", "text")
            .with_problems(&self.problems, texts);
        focus_first(&mut [&mut organization]);
        html(&NameOrganizationPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            alert: problem::alert(&self.problems, label, texts),
            organization,
        })
    }
}

impl ChooseOrganization {
    /// The page as HTML.
    pub fn render(&self, texts: &Texts) -> String {
        html(&ChooseOrganizationPage {
            t: texts,
            frame: &self.frame,
            view: self,
            form: &self.form,
            account_initial: initial(&self.account),
        })
    }
}
