//! What proves an answer on SQLite, in addition to the result of the connection that committed.

use sea_orm::ConnectionTrait;

use super::trial::Trial;

fn in_folder(folder: &std::path::Path) -> Trial {
    Trial::prepare(&format!("sqlite:{}", folder.join("kurskoll.db").display()))
}

#[rocket::async_test]
async fn nothing_is_answered_that_another_connection_does_not_see() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut trial = in_folder(folder.path());
    trial.serve_with(&[]).await;
    assert_eq!(trial.send_new().await, 4);
    let look = trial.look().await;
    // The connection that writes hears an instant that nobody else reads.
    let lies = "CREATE TRIGGER lies AFTER UPDATE ON transaction_clock
                BEGIN UPDATE transaction_clock SET at = at - 60000000; END";
    look.execute_unprepared(lies).await.expect("a trigger");
    assert_eq!(trial.send_new().await, 0, "not seen, and answered");
    assert!(!trial.is_ready().await);
    look.execute_unprepared("DROP TRIGGER lies").await.expect("gone");
    // Whatever it was, nobody knows how far it went: a person looks first.
    assert_eq!(trial.send_new().await, 0, "recorded on");
    assert!(!trial.is_ready().await);
    trial.kill().await;
    trial.serve().await;
    trial.recover("a new start").await;
    trial.assert_stored(&look, "a new start").await;
    look.close().await.expect("closed");
    trial.kill().await;
    trial.here.ok("verify");
}

#[rocket::async_test]
async fn nothing_is_answered_while_the_registers_file_is_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut trial = in_folder(folder.path());
    trial.serve_with(&[]).await;
    assert_eq!(trial.send_new().await, 4);
    let (file, aside) = (folder.path().join("kurskoll.db"), folder.path().join("aside.db"));
    std::fs::rename(&file, &aside).expect("moved");
    assert_eq!(trial.send_new().await, 0, "answered what is in no register");
    assert!(!trial.is_ready().await);
    std::fs::copy(&aside, &file).expect("copied");
    assert_eq!(trial.send_new().await, 0, "answered what is in another file");
    std::fs::rename(&aside, &file).expect("moved back");
    trial.recover("it is back").await;
    let look = trial.look().await;
    trial.assert_stored(&look, "it is back").await;
    look.close().await.expect("closed");
    trial.kill().await;
    trial.here.ok("verify");
}
