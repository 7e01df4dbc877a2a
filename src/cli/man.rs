//! `man`: the manual's pages, one for each command, from the definition of its arguments.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::arguments::ManArguments;
use super::failure::{Ending, Failure};
use super::help;
use super::terminal::{say, write_report};
use crate::report::files::{self, OutputFile};

/// The section of the manual that is about programs.
const SECTION: &str = "1";

/// Columns of a page: the same wherever it is written.
const PAGE: usize = 72;

/// What paragraphs after the help become: headings of their own where they begin so, else notes.
const HEADINGS: [(&str, &str); 2] = [("Examples:", "EXAMPLES"), ("Exit codes:", "EXIT STATUS")];

/// `cutover man`.
///
/// # Errors
/// The pages, or standard output, cannot be written.
pub fn man(arguments: &ManArguments) -> Result<Ending, Failure> {
    let pages = pages()?;
    match &arguments.out {
        None => {
            let first = pages.into_iter().next().map(|page| page.content).unwrap_or_default();
            write_report(&String::from_utf8_lossy(&first))?;
        }
        Some(directory) => {
            files::write(directory, &pages)?;
            if !arguments.quiet {
                let directory = directory.display();
                say(&format!("{} pages in {directory}; read one with\n  man -l {directory}/cutover.1", pages.len()));
            }
        }
    }
    Ok(Ending::Well)
}

/// Every page, that of the program first.
fn pages() -> Result<Vec<OutputFile>, Failure> {
    // Without the list by groups, for which a page has a section of its own.
    let mut program = help::command(PAGE).disable_help_subcommand(true);
    program.build();
    let names: Vec<String> = program.get_subcommands().map(page_name).collect();
    let commands = program.get_subcommands().cloned().map(|command| (command, vec![page_name(&program)]));
    std::iter::once((program.clone(), names))
        .chain(commands)
        .map(|(command, related)| page(command, &related))
        .collect()
}

/// The name of a command's page: `cutover-run`.
fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: Command, related: &[String]) -> Result<OutputFile, Failure> {
    let name = page_name(&command);
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.has_subcommands();
    let man =
        Man::new(command).section(SECTION).manual("Cutover").source(concat!("cutover ", env!("CARGO_PKG_VERSION")));
    let mut content = Vec::new();
    let render = |content: &mut Vec<u8>| -> std::io::Result<()> {
        man.render_title(content)?;
        man.render_name_section(content)?;
        man.render_synopsis_section(content)?;
        man.render_description_section(content)?;
        man.render_options_section(content)?;
        if has_commands {
            man.render_subcommands_section(content)?;
        }
        further(&after, related).to_writer(content)
    };
    render(&mut content).map_err(|error| Failure::InputOutput(format!("cannot write a page: {error}")))?;
    Ok(OutputFile::new(format!("{name}.{SECTION}"), content))
}

/// What follows the help, each part under its heading, and the other pages.
fn further(after: &str, related: &[String]) -> Roff {
    let mut roff = Roff::new();
    let mut notes = Vec::new();
    for part in after.split("\n\n").filter(|part| !part.trim().is_empty()) {
        let heading = HEADINGS.iter().find_map(|(begin, heading)| Some((heading, part.strip_prefix(begin)?)));
        match heading {
            Some((heading, body)) => {
                roff.control("SH", [*heading]);
                as_written(&mut roff, body.trim_start_matches('\n'));
            }
            None => notes.push(part),
        }
    }
    if !notes.is_empty() {
        roff.control("SH", ["NOTES"]);
    }
    for note in notes {
        roff.control("PP", []);
        roff.text([roman(note)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    let pages: Vec<String> = related.iter().map(|name| format!("{name}({SECTION})")).collect();
    roff.text([roman(pages.join(", "))]);
    roff
}

/// Lines that are not filled.
fn as_written(roff: &mut Roff, lines: &str) {
    roff.control("nf", []);
    for line in lines.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Arguments;
    use clap::CommandFactory;

    fn text(page: &OutputFile) -> String {
        String::from_utf8(page.content.clone()).expect("text")
    }

    #[test]
    fn every_command_has_a_page_with_its_examples() {
        let pages = pages().expect("pages");
        let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
        assert_eq!(names[0], "cutover.1");
        for command in Arguments::command().get_subcommands() {
            let name = format!("cutover-{}.1", command.get_name());
            let page =
                pages.iter().find(|page| page.name == name).unwrap_or_else(|| panic!("{name} is not in {names:?}"));
            for part in [".TH", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLES", ".SH \"SEE ALSO\""] {
                assert!(text(page).contains(part), "{name} lacks {part}: {}", text(page));
            }
        }
        assert_eq!(pages.len(), 1 + Arguments::command().get_subcommands().count());
        assert!(text(&pages[0]).contains(".SH \"EXIT STATUS\"") && text(&pages[0]).contains("cutover\\-run(1)"));
    }

    #[test]
    fn pages_hold_no_date_and_no_directory_and_nothing_of_a_terminal() {
        for page in pages().expect("pages") {
            let text = text(&page);
            let title = text.lines().find(|line| line.starts_with(".TH")).expect("a title");
            assert!(!title.contains("20"), "{title}");
            assert!(!text.contains('\x1b') && !text.contains("/home") && !text.contains("/tmp"), "{}", page.name);
        }
    }
}
