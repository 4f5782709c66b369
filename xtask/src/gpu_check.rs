//! `cargo xtask gpu-check`: packs the GPU check for another machine, or shows what it found there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::cmd;

use crate::gpu_report;
use crate::shell::{self, shell};

/// What may travel: a machine with a GPU is often behind a slow door.
const MOST: u64 = 60_000_000;

/// The Vulkan loader (Apache License 2.0 and MIT), where Linux distributions put it.
const LOADERS: [&str; 3] =
    ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib64/libvulkan.so.1", "/usr/lib/libvulkan.so.1"];

const USAGE: &str = "usage: cargo xtask gpu-check [--features vulkan] | --show FILE.jsonl [PYTORCH.jsonl]";

pub fn run(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => pack(&[]),
        ["--features", features] => pack(&["--features", features]),
        ["--show", files @ ..] if !files.is_empty() => {
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            gpu_report::show(&files)
        }
        _ => bail!("{USAGE}"),
    }
}

/// `target/gpu-check.tar.gz`: the stripped program with its bundled model, the start script, the comparison.
fn pack(features: &[&str]) -> Result<()> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "the check is packed on x86-64 Linux, for x86-64 Linux"
    );
    let sh = shell()?;
    // The whole workspace as everywhere, so that Burn is built once; another feature of Burn is another build.
    let build = ["build", "--release", "--locked", "--workspace", "--bins"];
    let target = shell::target_dir()?;
    shell::part("building the program", || Ok(shell::cargo(&sh).args(build).args(named(features)).run()?))?;
    let folder = target.join("gpu-check");
    sh.remove_path(&folder)?;
    sh.create_dir(&folder)?;
    let program = folder.join("promot");
    let built = target.join("release").join("promot");
    shell::part("packing", || {
        cmd!(sh, "strip --strip-all -o {program} {built}").run()?;
        for name in ["check.sh", "pytorch.py"] {
            sh.copy_file(shell::root().join("tests/gpu").join(name), &folder)?;
        }
        let commit = shell::read(cmd!(sh, "git rev-parse --short HEAD"))?;
        let built = format!("commit {}{}\n", commit.trim(), with(features));
        sh.write_file(folder.join("BUILT"), built)?;
        loader(&folder)?;
        let archive = archive(&target);
        cmd!(sh, "tar -C {target} -czf {archive} gpu-check").run()?;
        Ok(())
    })?;
    let archive = archive(&target);
    let bytes = std::fs::metadata(&archive).with_context(|| archive.display().to_string())?.len();
    println!("{}: {:.1} MB", archive.display(), bytes as f64 / 1e6);
    println!(
        "there: tar -xzf gpu-check.tar.gz && gpu-check/check.sh; back here: cargo xtask gpu-check --show FILE"
    );
    ensure!(bytes <= MOST, "{bytes} bytes; at most {MOST} may travel");
    Ok(())
}

/// Features of the program, as Cargo names them for a workspace.
fn named(features: &[&str]) -> Vec<String> {
    features
        .iter()
        .map(|part| if part.starts_with("--") { (*part).to_owned() } else { format!("promot/{part}") })
        .collect()
}

fn with(features: &[&str]) -> String {
    features.get(1).map(|features| format!(", features {features}")).unwrap_or_default()
}

/// Its licence lets it travel along; the other machine's own is preferred there.
fn loader(folder: &Path) -> Result<()> {
    let Some(found) = LOADERS.iter().map(Path::new).find(|path| path.exists()) else {
        println!("no Vulkan loader here: the other machine needs its own");
        return Ok(());
    };
    let sh = shell()?;
    sh.create_dir(folder.join("lib"))?;
    // A copy of what the link leads to.
    std::fs::copy(found, folder.join("lib").join("libvulkan.so.1"))?;
    let licence = "libvulkan.so.1: the Vulkan loader of the Khronos Group (https://github.com/KhronosGroup/Vulkan-Loader),\n\
                   unchanged, under the Apache License 2.0 (https://www.apache.org/licenses/LICENSE-2.0).\n";
    sh.write_file(folder.join("lib").join("LICENCE"), licence)?;
    Ok(())
}

fn archive(target: &Path) -> PathBuf {
    target.join("gpu-check.tar.gz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_those_of_the_program() {
        assert_eq!(named(&["--features", "vulkan"]), ["--features", "promot/vulkan"]);
        assert_eq!(with(&["--features", "vulkan"]), ", features vulkan");
        assert_eq!(with(&[]), "");
        assert!(run(&["--shwo".to_owned()]).unwrap_err().to_string().contains("--show FILE"));
    }
}
