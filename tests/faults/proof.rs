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
    let connection = trial.connect().await;
    // The writing connection gets an instant that no other connection reads.
    let lies = "CREATE TRIGGER lies AFTER UPDATE ON transaction_clock
                BEGIN UPDATE transaction_clock SET at = at - 60000000; END";
    connection.execute_unprepared(lies).await.expect("a trigger");
    assert_eq!(trial.send_new().await, 0, "answered, though no other connection saw it");
    assert!(!trial.is_ready().await);
    connection.execute_unprepared("DROP TRIGGER lies").await.expect("gone");
    // It is unknown how far the commit went: a person must check first.
    assert_eq!(trial.send_new().await, 0, "it continued to record");
    assert!(!trial.is_ready().await);
    trial.kill().await;
    trial.serve().await;
    trial.recover("a new start").await;
    trial.assert_stored(&connection, "a new start").await;
    connection.close().await.expect("closed");
    trial.kill().await;
    trial.here.ok("verify");
}

#[rocket::async_test]
async fn nothing_is_answered_while_the_registers_file_was_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut trial = in_folder(folder.path());
    trial.serve_with(&[]).await;
    assert_eq!(trial.send_new().await, 4);
    let (file, aside) = (folder.path().join("kurskoll.db"), folder.path().join("aside.db"));
    std::fs::rename(&file, &aside).expect("moved");
    assert_eq!(trial.send_new().await, 0, "answered though it is in no register");
    assert!(!trial.is_ready().await);
    std::fs::copy(&aside, &file).expect("copied");
    assert_eq!(trial.send_new().await, 0, "answered though it is in another file");
    std::fs::rename(&aside, &file).expect("moved back");
    trial.recover("it is back").await;
    let connection = trial.connect().await;
    trial.assert_stored(&connection, "it is back").await;
    connection.close().await.expect("closed");
    trial.kill().await;
    trial.here.ok("verify");
}
