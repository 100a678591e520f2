//! The epic: tasks, the files that each of them touches, and which edits are there in the end.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use lease::plan::{PlannedRequest, check};
use lease::{Access, Agent, Leases, Pattern, Project, Rules, Scope};

/// How much there is to do, and for how many.
#[derive(Debug, Clone, Copy)]
pub struct Epic {
    pub agents: usize,
    pub tasks: usize,
    pub files: usize,
    /// How many files a task touches.
    pub touches: usize,
    /// How long a task thinks.
    pub think: Duration,
}

impl Epic {
    pub fn from_arguments(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut epic = Self {
            agents: 5,
            tasks: 60,
            files: 24,
            touches: 2,
            think: Duration::from_millis(20),
        };
        for pair in arguments.chunks(2) {
            let [option, value] = pair else {
                return Err(format!("{} needs a value", pair[0]).into());
            };
            let number: usize = value.parse()?;
            match option.as_str() {
                "--agents" => epic.agents = number.max(1),
                "--tasks" => epic.tasks = number,
                "--files" => epic.files = number.max(1),
                "--touches" => epic.touches = number,
                "--think-ms" => epic.think = Duration::from_millis(value.parse()?),
                _ => return Err(format!("unknown option {option}").into()),
            }
        }
        epic.touches = epic.touches.clamp(1, epic.files);
        Ok(epic)
    }

    /// The arguments that make the same epic.
    pub fn arguments(&self) -> Vec<String> {
        let numbers = [
            ("--agents", self.agents as u128),
            ("--tasks", self.tasks as u128),
            ("--files", self.files as u128),
            ("--touches", self.touches as u128),
            ("--think-ms", self.think.as_millis()),
        ];
        let pairs = numbers.map(|(option, value)| [option.to_owned(), value.to_string()]);
        pairs.concat()
    }

    /// The files of a task: a few in a row, so that neighbours share some and each file has several tasks.
    pub fn files_of(&self, task: usize) -> Vec<String> {
        // 7 is prime to most numbers of files: the tasks of one moment lie apart, those of one file come at different times.
        let first = task * 7 % self.files;
        let numbers: BTreeSet<usize> = (0..self.touches)
            .map(|n| (first + n) % self.files)
            .collect();
        numbers
            .iter()
            .map(|n| format!("src/part-{n:02}.md"))
            .collect()
    }

    /// The tasks of an agent, in its order.
    pub fn tasks_of(&self, agent: usize) -> impl Iterator<Item = usize> {
        (agent..self.tasks).step_by(self.agents)
    }

    /// How many edits the tasks make together.
    pub fn edits(&self) -> usize {
        (0..self.tasks).map(|task| self.files_of(task).len()).sum()
    }

    /// Makes the files, each with a line for every task that touches it.
    pub fn lay_out(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder.join("src"))?;
        for number in 0..self.files {
            let name = format!("src/part-{number:02}.md");
            let mut file = File::create(folder.join(&name))?;
            writeln!(file, "# Part {number}\n")?;
            for task in (0..self.tasks).filter(|task| self.files_of(*task).contains(&name)) {
                writeln!(file, "{}", open(task))?;
            }
        }
        Ok(())
    }

    /// How many edits are not there.
    pub fn lost(&self, folder: &Path) -> io::Result<usize> {
        let mut lost = 0;
        for task in 0..self.tasks {
            for name in self.files_of(task) {
                let text = fs::read_to_string(folder.join(name))?;
                lost += usize::from(!text.contains(&done(task)));
            }
        }
        Ok(lost)
    }

    /// What is to be done, and what the plan says about it.
    pub fn told(&self, folder: &Path) -> Result<String, Box<dyn Error>> {
        let project = Project::new(folder)?;
        let planned: Vec<_> = (0..self.tasks)
            .map(|task| self.planned(task, &project))
            .collect::<Result<_, _>>()?;
        let report = check(&planned, &Leases::default(), &Rules::default().present())?;
        Ok(format!(
            "{} tasks of {} files each in {} files, {} agents; each thinks {} ms. The plan finds {} pairs of tasks in conflict of {}, and {} waves.",
            self.tasks,
            self.touches,
            self.files,
            self.agents,
            self.think.as_millis(),
            report.conflicts.len(),
            self.tasks * self.tasks.saturating_sub(1) / 2,
            report.waves.len(),
        ))
    }

    fn planned(&self, task: usize, project: &Project) -> Result<PlannedRequest, Box<dyn Error>> {
        Ok(PlannedRequest {
            agent: Agent::new(&format!("task-{task:02}"))?,
            scope: self.scope_of(task, project)?,
            access: Access::Exclusive,
            task: None,
            after: Vec::new(),
        })
    }

    /// What a task leases.
    pub fn scope_of(&self, task: usize, project: &Project) -> Result<Scope, lease::PathError> {
        let files = self.files_of(task).into_iter();
        files
            .map(|name| Ok(Pattern::File(project.path(Path::new(&name))?)))
            .collect()
    }
}

/// The line of a task that is open.
pub fn open(task: usize) -> String {
    format!("- task {task:03}: open")
}

/// The line of a task that is done.
pub fn done(task: usize) -> String {
    format!("- task {task:03}: done")
}
