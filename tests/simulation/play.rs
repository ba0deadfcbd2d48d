//! Plays a history.

use super::{
    coverage::Coverage,
    draw::Draw,
    planted::Bug,
    story::Story,
    world::{Broken, World},
};

/// How a history went.
pub struct Outcome {
    pub broken: Option<Broken>,
    pub coverage: Coverage,
    pub lines: Vec<String>,
}

pub fn play(story: &Story, bug: Option<Bug>, told: bool) -> Outcome {
    let world = World::new(&story.setup, bug, told);
    world.tell(|| format!("{:?}", story.setup));
    (0..story.setup.rows).for_each(|_| world.colleague_adds());
    for by in 0..story.setup.contexts {
        world.page(by);
    }
    for event in &story.events {
        if world.is_broken() {
            break;
        }
        let mut draw = Draw::new(event.salt);
        world.tell(|| format!("  {:>8} ms  {:?}", world.elapsed.get(), event.act));
        world.act(&event.act);
        let steps = draw.of(&[0, 1, 2, 4, 8, 16, 40, 100, 400]);
        world.draw.replace(draw);
        world.steps(steps);
    }
    world.drain();
    world.check_end();
    let outcome = Outcome { broken: world.verdict(), coverage: world.coverage.borrow().clone(), lines: world.story() };
    world.end();
    outcome
}
