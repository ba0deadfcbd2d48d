//! What an action is: a name, an input, and what it does with it.

use std::pin::Pin;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::context::Context;
use super::input;
use super::result::ActionResult;
use crate::refusal::Refusal;

/// An action. The type itself is its input; `#[serde(deny_unknown_fields)]` has a misspelt field refused by its name.
pub trait Action: DeserializeOwned + Send {
    /// What a device asks for it by.
    const NAME: &'static str;

    /// Brings it about. All it writes is one transaction: a refusal, wherever it comes, leaves nothing behind.
    fn run(
        self,
        context: &mut Context<'_>,
        result: &mut ActionResult,
    ) -> impl Future<Output = Result<Json, Refusal>> + Send;
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Json, Refusal>> + Send + 'a>>;

/// An action in the list of them.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    run: for<'a> fn(Json, &'a mut Context<'_>, &'a mut ActionResult) -> Running<'a>,
}

impl Entry {
    /// The action of that type.
    pub const fn of<A: Action>() -> Self {
        Self {
            name: A::NAME,
            run: |input, context, result| {
                Box::pin(async move { input::read::<A>("The input", &input)?.run(context, result).await })
            },
        }
    }

    /// Reads the input and runs the action on it.
    pub async fn run(
        &self,
        input: Json,
        context: &mut Context<'_>,
        result: &mut ActionResult,
    ) -> Result<Json, Refusal> {
        (self.run)(input, context, result).await
    }
}
